import { describe, expect, test } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { alertKey, RULES, type RuleContext, ruleOf } from '#jobs/alerts/rules.ts'
import type { FleetStatus } from '#jobs/watch/status.ts'
import { NOON, OPTIONS, statusWith } from './sample.ts'

const context: RuleContext = { options: OPTIONS, watchingSince: NOON - HOUR }

/** Keys and texts of all that the rules find, and the rules that cannot tell. */
function look(given: Partial<FleetStatus>, more: Partial<RuleContext> = {}) {
  const found: Record<string, string> = {}
  const unknown: string[] = []
  for (const rule of RULES) {
    const findings = rule.look(statusWith(given), { ...context, ...more })
    if (findings === 'unknown') unknown.push(rule.name)
    else for (const finding of findings) found[alertKey(rule, finding)] = finding.text
  }
  return { found, unknown }
}

const round = { asOf: NOON, endedAt: NOON + 3_000, state: 'done' as const, seconds: 3, degraded: [] }
const ledger = { equity: 1_000, drawdown: 0.01, events: 5, intact: true, words: null }
const retraining = { flow: 'daily-2026-11-20', endedAt: NOON - 8 * HOUR, ok: true, words: '' }
const rounds = { done: 1, degraded: 0, failed: 0, skipped: 0, due: 0 }

describe('the rules', () => {
  test('find nothing wrong with a fleet that is well', () => {
    expect(look({})).toEqual({ found: {}, unknown: [] })
  })

  test('tell nothing of a fleet that has done nothing yet', () => {
    const data = { newest: null, ageSeconds: null }
    const { found, unknown } = look({ round: null, data, ledger: null, retraining: null })
    expect(found).toEqual({})
    expect(unknown).toContain('stale-data')
  })

  test.each<[string, Partial<FleetStatus>, RegExp]>([
    ['stale-data', { data: { newest: NOON, ageSeconds: 5_401 } }, /90 minutes old .* it ended 2026-11-20 12:00 UTC/],
    [
      'round-failed',
      { round: { ...round, state: 'failed' } },
      /round of 2026-11-20 12:00 UTC failed.*millrace dead list/,
    ],
    ['round-missed', { rounds: { ...rounds, due: 2 } }, /2 rounds are due/],
    ['retraining-failed', { retraining: { ...retraining, ok: false, words: 'no memory' } }, /failed: no memory/],
    ['retraining-overdue', { retraining: { ...retraining, endedAt: NOON - 49 * HOUR } }, /since 2026-11-18 11:00 UTC/],
    ['integrity-broken', { ledger: { ...ledger, intact: false, words: 'event 7' } }, /event 7.*millrace integrity/],
    ['drawdown', { ledger: { ...ledger, drawdown: 0.1 } }, /10\.0 % below its peak, at 1000\.00 dollars/],
    ['worker-lost:9@beta', { lostWorkers: ['9@beta'] }, /worker 9@beta went .* 1 listen now.*millrace worker/],
    ['no-estimates', { serving: { state: 'none', model: 'none', modelAgeSeconds: null } }, /no model serves/],
    ['fallback', { serving: { state: 'fallback', model: 'hmm 2', modelAgeSeconds: 1 } }, /serves \(hmm 2\)/],
    ['dead-letters', { deadLetters: 3 }, /3 jobs failed for good.*millrace dead list/],
    ['broker-unreachable', { broker: { name: 'redis', reachable: false, words: 'cut' } }, /redis broker .*: cut/],
  ])('find %s, say what it is and what to do', (key, given, text) => {
    const { found } = look(given)
    expect(Object.keys(found)).toEqual([key])
    expect(found[key]).toMatch(text)
    expect(found[key]).toMatch(/`millrace /)
  })

  test('do not find what is only nearly wrong', () => {
    expect(
      look({
        data: { newest: NOON, ageSeconds: 5_400 },
        rounds: { ...rounds, due: 1 },
        ledger: { ...ledger, drawdown: 0.0999 },
        retraining: { ...retraining, endedAt: NOON - 48 * HOUR },
      }).found,
    ).toEqual({})
  })

  test('name each lost worker', () => {
    const { found } = look({ lostWorkers: ['9@beta', '10@beta'] })
    expect(Object.keys(found)).toEqual(['worker-lost:9@beta', 'worker-lost:10@beta'])
  })

  test('take nothing for mended because the broker does not answer', () => {
    const { unknown } = look({ broker: { name: 'redis', reachable: false }, schedules: [] })
    expect(unknown).toEqual(['worker-lost', 'dead-letters', 'retraining-overdue'])
  })

  test('take nothing for mended that could not be read', () => {
    const unread = { ...ledger, equity: Number.NaN, drawdown: Number.NaN, intact: null }
    expect(look({ ledger: unread, deadLetters: Number.NaN })).toEqual({
      found: {},
      unknown: ['integrity-broken', 'drawdown', 'dead-letters'],
    })
  })

  test('miss a first retraining, but not one that is paused', () => {
    const since = { watchingSince: NOON - 49 * HOUR }
    expect(look({ retraining: null }, since).found).toHaveProperty('retraining-overdue')
    const [daily] = statusWith().schedules
    expect(look({ retraining: null, schedules: [{ ...daily, paused: true }] }, since).found).toEqual({})
  })

  test('tell of a jump of the clock for an hour, in whichever direction it was', () => {
    for (const away of [0, -0.9, 0.9]) {
      const { found } = look({}, { clock: { at: NOON + away * HOUR, words: 'an hour back' } })
      expect(found['clock-jumped']).toMatch(/jumped: an hour back\. .*timedatectl/)
    }
    expect(look({}, { clock: { at: NOON - HOUR, words: '' } }).found).toEqual({})
  })
})

test('an alert leads back to its rule', () => {
  expect(ruleOf('worker-lost:9@beta:7')?.name).toBe('worker-lost')
  expect(ruleOf('of-old')).toBeUndefined()
  expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length)
})
