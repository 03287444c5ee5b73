import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createAlerts } from '#jobs/alerts/alerts.ts'
import { ruleOf } from '#jobs/alerts/rules.ts'
import { alertTargets } from '#jobs/alerts/targets.ts'
import { openRecords } from '#jobs/records.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { NOON, OPTIONS, statusWith } from './sample.ts'

/** What may be wrong, by the key of its alert. */
const WRONG = {
  'dead-letters': { deadLetters: 1 },
  'round-missed': { rounds: { ...statusWith().rounds, due: 2 } },
  'worker-lost:9@beta': { lostWorkers: ['9@beta'] },
  fallback: { serving: { state: 'fallback', model: 'hmm 1', modelAgeSeconds: 1 } },
} as const
type Key = keyof typeof WRONG
const KEYS = Object.keys(WRONG) as Key[]

/** One evaluation: what is wrong then, whether the target answers, whether the process was started anew before. */
interface Moment {
  readonly wrong: readonly Key[]
  readonly up: boolean
  readonly restart: boolean
  /** Minutes since the one before. */
  readonly minutes: number
}

const moments = (up: fc.Arbitrary<boolean>, restart: fc.Arbitrary<boolean>, minutes: fc.Arbitrary<number>) =>
  fc.array(fc.record({ wrong: fc.subarray(KEYS), up, restart, minutes }), { minLength: 1, maxLength: 25 })

interface Told {
  readonly key: string
  readonly status: string
  readonly since: number
  readonly at: number
}

/** What a target hears in the course of these evaluations. */
async function hear(course: readonly Moment[]): Promise<{ heard: Told[]; records: ReturnType<typeof openRecords> }> {
  const records = openRecords(':memory:')
  const heard: Told[] = []
  let now = NOON
  let up = true
  const fetch = (async (_url: string, { body }: { body: string }) => {
    if (!up) return new Response(null, { status: 404 })
    for (const alert of JSON.parse(body).alerts) heard.push({ ...alert, at: now })
    return new Response(null, { status: 200 })
  }) as never
  const targets = alertTargets({ values: { MILLRACE_ALERT_WEBHOOK_URL: 'http://receiver/' }, remarks: [] })
  const open = () => createAlerts({ records, options: OPTIONS, targets, now: () => now, logger, fetch })
  let alerts = open()
  for (const moment of course) {
    now += 60_000 * moment.minutes
    up = moment.up
    if (moment.restart) {
      await alerts.close()
      alerts = open()
    }
    alerts.evaluate(statusWith({ at: now, ...Object.assign({}, ...moment.wrong.map((key) => WRONG[key])) }))
    await alerts.settled()
  }
  return { heard, records }
}

/** Episodes of a key: it begins and ends when as many evaluations in a row as its rule wants agree. */
function episodesOf(key: Key, course: readonly Moment[]): { begun: number; ended: number; repeats: number } {
  const { hold } = ruleOf(key)!
  let [firing, streak, begun, ended, repeats, now, toldAt] = [false, 0, 0, 0, 0, NOON, 0]
  for (const { wrong, minutes } of course) {
    now += 60_000 * minutes
    const differs = wrong.includes(key) !== firing
    streak = differs ? streak + 1 : 0
    if (streak === hold) {
      firing = !firing
      streak = 0
      if (firing) begun++
      else ended++
      toldAt = now
    } else if (firing && now - toldAt >= OPTIONS.repeatHours * HOUR) {
      repeats++
      toldAt = now
    }
  }
  return { begun, ended, repeats }
}

const always = fc.constant(true)
const never = fc.constant(false)

describe('for any course of events', () => {
  test('each episode has one message when it begins, one for each day that it lasts, and one when it is over', async () => {
    const course = moments(always, never, fc.constantFrom(1, 60, 900))
    await fc.assert(
      fc.asyncProperty(course, async (given) => {
        const { heard } = await hear(given)
        for (const key of KEYS) {
          const { begun, ended, repeats } = episodesOf(key, given)
          const count = (wanted: string) => heard.filter((told) => told.key === key && told.status === wanted).length
          expect({ key, firing: count('firing'), resolved: count('resolved') }).toEqual({
            key,
            firing: begun + repeats,
            resolved: ended,
          })
        }
      }),
      { numRuns: 60 },
    )
  })

  test('no target hears anything twice, or of an end without a beginning, through outages and restarts', async () => {
    const course = moments(fc.boolean(), fc.boolean(), fc.constant(1))
    await fc.assert(
      fc.asyncProperty(course, async (given) => {
        const last = { ...given[given.length - 1], up: true, restart: false }
        const { heard, records } = await hear([...given, last])
        const fires = new Map(records.alerts().map(({ key, firing }) => [key, firing]))
        for (const key of KEYS) {
          const told = heard.filter((each) => each.key === key)
          for (const [i, { status, since }] of told.entries()) {
            // An end that was not delivered before it began again is made good by the beginning.
            if (status === 'resolved') expect(told[i - 1]?.status).toBe('firing')
            else if (told[i - 1]?.status === 'firing') expect(since).not.toBe(told[i - 1].since)
          }
          // Whoever can be reached knows how things are.
          expect(told.at(-1)?.status === 'firing').toBe(fires.get(key) ?? false)
        }
      }),
      { numRuns: 60 },
    )
  })
})
