import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { openRecords } from '#jobs/records.ts'
import { createFleetMetrics } from '#jobs/watch/metrics.ts'
import { isDegraded } from '#jobs/watch/readiness.ts'
import type { FleetStatus } from '#jobs/watch/status.ts'
import { AS_OF, addRound, HEALTHY } from './sample.ts'

/** Lines of the exposition for people: samples by name with labels. */
async function exposed(status: FleetStatus, records = openRecords(':memory:'), firing?: ReadonlyMap<string, number>) {
  const metrics = createFleetMetrics(AS_OF)
  metrics.update(status, records, firing)
  return samplesOf(await metrics.registry.metrics())
}

function samplesOf(text: string): Map<string, number> {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const split = line.lastIndexOf(' ')
      return [line.slice(0, split), Number(line.slice(split + 1))]
    }),
  )
}

describe('the metrics of the fleet', () => {
  it('say what the status says', async () => {
    const samples = await exposed(HEALTHY, openRecords(':memory:'), new Map([['stale-data', 2]]))
    expect(Object.fromEntries(samples)).toMatchObject({
      millrace_broker_reachable: 1,
      'millrace_queue_jobs{queue="infer",state="waiting"}': 3,
      'millrace_queue_jobs{queue="infer",state="active"}': 2,
      'millrace_queue_jobs{queue="infer",state="failed"}': 1,
      'millrace_queue_jobs{queue="round",state="waiting-children"}': 4,
      'millrace_queue_oldest_seconds{queue="infer"}': 0.5,
      'millrace_queue_oldest_seconds{queue="round"}': 0,
      'millrace_workers{queue="infer"}': 2,
      millrace_lost_workers: 0,
      millrace_dead_letters: 0,
      millrace_windows_inferred_total: 6000,
      millrace_infer_seconds_total: 12.5,
      'millrace_rounds_total{outcome="done"}': 26,
      'millrace_rounds_total{outcome="degraded"}': 4,
      'millrace_rounds_total{outcome="failed"}': 2,
      'millrace_rounds_total{outcome="skipped"}': 1,
      'millrace_model_info{kind="cde",id="20261119T033000000Z-0123456789abcdef"}': 1,
      millrace_model_age_seconds: 110_400,
      millrace_data_age_seconds: 600,
      millrace_degraded: 0,
      'millrace_serving_state{state="healthy"}': 1,
      'millrace_serving_state{state="fallback"}': 0,
      millrace_ledger_equity_dollars: 10_250.5,
      millrace_ledger_drawdown_ratio: 0.015,
      millrace_ledger_intact: 1,
      millrace_retraining_ok: 1,
      'millrace_alerts_firing{rule="stale-data"}': 2,
    })
  })

  it('leave out what is not known instead of saying 0', async () => {
    const samples = await exposed({
      ...HEALTHY,
      broker: { name: 'redis', reachable: false, words: 'gone' },
      queues: [],
      round: null,
      serving: { state: 'none', model: 'none', modelAgeSeconds: null },
      data: { newest: null, ageSeconds: null },
      retraining: null,
      ledger: null,
      deadLetters: Number.NaN,
    })
    const unknown = ['model_age', 'data_age', 'ledger', 'retraining', 'dead_letters', 'queue_jobs', 'round_last_end']
    const names = [...samples.keys()]
    expect(names.filter((name) => unknown.some((part) => name.startsWith(`millrace_${part}`)))).toEqual([])
    expect(samples.get('millrace_broker_reachable')).toBe(0)
    expect(samples.get('millrace_degraded')).toBe(1)
  })

  it('follow a status that changes: counters of the records do not add up twice, gone queues and models vanish', async () => {
    const metrics = createFleetMetrics(AS_OF)
    const records = openRecords(':memory:')
    metrics.update(HEALTHY, records)
    metrics.update(HEALTHY, records)
    metrics.update(
      {
        ...HEALTHY,
        queues: [],
        serving: { state: 'fallback', model: 'hmm h1', modelAgeSeconds: 1 },
        inferred: { windows: 6200, seconds: 13 },
      },
      records,
    )
    const samples = samplesOf(await metrics.registry.metrics())
    expect(samples.get('millrace_windows_inferred_total')).toBe(6200)
    expect(samples.get('millrace_rounds_total{outcome="done"}')).toBe(26)
    const named = [...samples.keys()].filter((name) => /^millrace_(model_info|queue_jobs)/.test(name))
    expect(named).toEqual(['millrace_model_info{kind="hmm",id="h1"}'])
  })

  it('observe each round once when it ends, and none that an earlier process saw', async () => {
    const records = openRecords(':memory:')
    const metrics = createFleetMetrics(AS_OF)
    addRound(records, AS_OF - HOUR, { steps: { infer: 100 } })
    addRound(records, AS_OF, { steps: { infer: 100, ledger: 2_000 } })
    records.beginRound({ asOf: AS_OF + HOUR, flow: 'next', startedAt: AS_OF + HOUR, late: false })
    metrics.update(HEALTHY, records)
    metrics.update(HEALTHY, records)
    let samples = samplesOf(await metrics.registry.metrics())
    expect(samples.get('millrace_round_seconds_count')).toBe(1)
    expect(samples.get('millrace_round_seconds_sum')).toBe(5)
    expect(samples.get('millrace_round_step_seconds_sum{step="ledger"}')).toBe(2)
    records.noteRound(AS_OF + HOUR, { state: 'failed', endedAt: AS_OF + HOUR + 9_000 })
    metrics.update(HEALTHY, records)
    samples = samplesOf(await metrics.registry.metrics())
    expect(samples.get('millrace_round_seconds_count')).toBe(2)
  })

  it('tell when a retraining last ended well, although the newest did not', async () => {
    const records = openRecords(':memory:')
    const common = { startedAt: AS_OF, promoted: [], words: '' }
    records.putRetraining({ ...common, flow: 'daily-1', endedAt: AS_OF, ok: true })
    records.putRetraining({ ...common, flow: 'daily-2', startedAt: AS_OF + HOUR, endedAt: AS_OF + HOUR, ok: false })
    const samples = await exposed({ ...HEALTHY, retraining: { ...HEALTHY.retraining!, ok: false } }, records)
    expect(samples.get('millrace_retraining_last_success_timestamp_seconds')).toBe(AS_OF / 1000)
    expect(samples.get('millrace_retraining_ok')).toBe(0)
  })

  it('are named as Prometheus wants it', async () => {
    const metrics = createFleetMetrics(AS_OF)
    const records = openRecords(':memory:')
    addRound(records, AS_OF, { steps: { infer: 100 } })
    metrics.update(HEALTHY, records, new Map([['stale-data', 1]]))
    metrics.jobSeconds.observe({ queue: 'infer', name: 'infer', outcome: 'completed' }, 0.1)
    const text = await metrics.registry.metrics()
    expect(lint(text)).toEqual([])
    // No label may grow with coins, hours or jobs.
    const labels = new Set([...text.matchAll(/[{,]([a-z_]+)="/g)].map(([, label]) => label))
    const allowed = ['queue', 'state', 'name', 'outcome', 'step', 'kind', 'id', 'rule', 'le']
    const process = ['space', 'version', 'major', 'minor', 'patch', 'type', 'quantile']
    expect([...labels].filter((label) => ![...allowed, ...process].includes(label))).toEqual([])
  })
})

/** The rules of `promtool check metrics` that can be broken here. */
function lint(text: string): string[] {
  const wrong: string[] = []
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
  const helps = new Map([...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => [name, help]))
  for (const [name, type] of types) {
    if (!/^millrace_[a-z0-9]+(_[a-z0-9]+)*$/.test(name)) wrong.push(`${name}: not millrace_ and snake case`)
    if ((type === 'counter') !== name.endsWith('_total'))
      wrong.push(`${name}: _total is for counters and only for them`)
    if (!helps.get(name)?.trim()) wrong.push(`${name}: no HELP`)
    if (/_(ms|milliseconds|minutes|hours|percent|kilobytes|count|sum|bucket)(_total)?$/.test(name)) {
      wrong.push(`${name}: not a base unit, or a name that is taken`)
    }
  }
  const families = new Set(types.keys())
  for (const [, sample] of text.matchAll(/^([a-z_0-9]+)(?:\{|\s)/gm)) {
    const family = families.has(sample) ? sample : sample.replace(/_(bucket|sum|count)$/, '')
    if (!families.has(family)) wrong.push(`${sample}: no TYPE`)
  }
  return wrong
}

describe('whether the fleet is degraded', () => {
  const cases: [string, Partial<FleetStatus>, boolean][] = [
    ['healthy', {}, false],
    [
      'before the first round',
      { round: null, serving: { state: 'none', model: 'none', modelAgeSeconds: null } },
      false,
    ],
    ['the HMM serves', { serving: { state: 'fallback', model: 'hmm 1', modelAgeSeconds: 1 } }, true],
    ['something was late', { round: { ...HEALTHY.round!, degraded: ['BTC was late'] } }, true],
    ['the newest round failed', { round: { ...HEALTHY.round!, state: 'failed' } }, true],
    ['the broker is gone', { broker: { name: 'redis', reachable: false } }, true],
    ['the ledger is broken', { ledger: { ...HEALTHY.ledger!, intact: false } }, true],
  ]
  it.each(cases)('%s', (_, change, expected) => expect(isDegraded({ ...HEALTHY, ...change })).toBe(expected))
})
