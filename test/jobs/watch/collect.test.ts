import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { FatalError, UnavailableError } from '#data/errors.ts'
import { openRecords } from '#jobs/records.ts'
import type { BrokerLook } from '#jobs/watch/broker-look.ts'
import { createStatusCollector, type StatusSources } from '#jobs/watch/collect.ts'
import { notReady } from '#jobs/watch/readiness.ts'
import { createRoster } from '#jobs/watch/roster.ts'
import { AS_OF, addRound, HEALTHY } from './sample.ts'

const LOOK: BrokerLook = {
  queues: [{ ...HEALTHY.queues[0], queue: 'dead', waiting: 7 }],
  schedules: HEALTHY.schedules,
  workers: ['1@home', '2@far'],
  remoteWorkers: ['2@far'],
  farewells: new Map(),
}
const PEEK = { equity: 100, drawdown: 0.1, events: 9 }

function opened(changes: Partial<StatusSources> = {}) {
  const records = changes.records ?? openRecords(':memory:')
  const now = () => AS_OF + 600_000
  const sources: StatusSources = {
    brokerName: 'redis',
    look: async () => LOOK,
    records,
    ledger: async () => PEEK,
    roster: createRoster(records, now),
    due: () => 0,
    now,
    ...changes,
  }
  return { records, sources, collect: createStatusCollector(sources) }
}

const STEP_DOWN = 'degraded: the champion CDE is unusable, the champion HMM serves instead: it has expired'

describe('the status of the fleet', () => {
  it('calls an HMM that a verdict has shipped no step down', async () => {
    const { records, collect } = opened()
    addRound(records, AS_OF, { model: 'hmm a', degraded: ['degraded: no estimates for PEPE: nothing newer is known'] })
    expect((await collect()).serving.state).toBe('healthy')
    records.close()
  })

  it('puts together what broker, records and ledger know', async () => {
    const { records, collect } = opened()
    const model = 'hmm 20261120T090000000Z-0123456789abcdef'
    addRound(records, AS_OF - HOUR, { state: 'failed', words: 'no' })
    const known = { newestBar: AS_OF, windows: 200, inferSeconds: 0.5, degraded: [STEP_DOWN] }
    addRound(records, AS_OF, { model, ...known })
    records.beginRound({ asOf: AS_OF + HOUR, flow: 'running', startedAt: AS_OF + HOUR, late: false })
    records.putNote('integrity', JSON.stringify({ intact: true, words: 'intact', at: AS_OF }))
    records.putRetraining({ flow: 'daily-1', startedAt: 1, endedAt: 2, ok: false, words: 'no data', promoted: [] })
    records.putRetraining({ flow: 'daily-2', startedAt: 3, endedAt: null, ok: null, words: '', promoted: [] })
    expect(await collect()).toEqual({
      at: AS_OF + 600_000,
      broker: { name: 'redis', reachable: true },
      queues: LOOK.queues,
      workers: LOOK.workers,
      lostWorkers: [],
      schedules: LOOK.schedules,
      round: { asOf: AS_OF, endedAt: AS_OF + 25_000, state: 'done', seconds: 5, degraded: [STEP_DOWN] },
      rounds: { done: 1, degraded: 1, failed: 1, skipped: 0, due: 0 },
      serving: { state: 'fallback', model, modelAgeSeconds: 4200 },
      data: { newest: AS_OF, ageSeconds: 600 },
      retraining: { flow: 'daily-1', endedAt: 2, ok: false, words: 'no data' },
      ledger: { ...PEEK, intact: true, words: 'intact' },
      deadLetters: 7,
      inferred: { windows: 200, seconds: 0.5 },
    })
  })

  it('says of a new fleet that nothing is known yet', async () => {
    const { collect } = opened({ ledger: async () => undefined })
    expect(await collect()).toMatchObject({
      round: null,
      serving: { state: 'none', model: 'none', modelAgeSeconds: null },
      data: { newest: null, ageSeconds: null },
      retraining: null,
      ledger: null,
    })
  })

  it('goes on without the broker, with what is known otherwise', async () => {
    const records = openRecords(':memory:')
    addRound(records, AS_OF, { model: 'cde 1' })
    const look = () => Promise.reject(new UnavailableError('redis did not answer within 3 s'))
    const status = await opened({ records, look }).collect()
    expect(status.broker).toEqual({ name: 'redis', reachable: false, words: 'redis did not answer within 3 s' })
    expect(status.queues).toEqual([])
    expect(status.deadLetters).toBeNaN()
    expect(status.round?.asOf).toBe(AS_OF)
    expect(status.ledger?.equity).toBe(100)
  })

  it('calls a ledger that cannot be read broken, and one whose writer is at work not', async () => {
    const broken = await opened({ ledger: () => Promise.reject(new FatalError('ledger x is corrupt')) }).collect()
    expect(broken.ledger).toMatchObject({ intact: false, words: 'ledger x is corrupt', equity: Number.NaN })
    const { records, collect } = opened({ ledger: () => Promise.reject(new UnavailableError('locked')) })
    records.putNote('integrity', JSON.stringify({ intact: true, words: 'intact', at: AS_OF }))
    expect((await collect()).ledger).toMatchObject({ intact: true, equity: Number.NaN })
  })

  it('asks once for all who ask at the same time', async () => {
    let asked = 0
    const look = async () => {
      asked++
      return LOOK
    }
    const { collect } = opened({ look })
    await Promise.all([collect(), collect(), collect()])
    expect(asked).toBe(1)
  })

  it('compares data with the time of a replayed source', async () => {
    const records = openRecords(':memory:')
    addRound(records, AS_OF, { newestBar: AS_OF })
    const { collect } = opened({ records, dataTime: () => AS_OF + HOUR, now: () => AS_OF + 10_000 * HOUR })
    expect((await collect()).data.ageSeconds).toBe(3600)
  })
})

describe('readiness', () => {
  const running = { name: 'round', isRunning: () => true }
  const own = { startedAt: AS_OF, workers: [running] }

  it('is there when all is well, and before the first round', () => {
    expect(notReady(HEALTHY, own)).toEqual([])
    expect(notReady({ ...HEALTHY, round: null, rounds: { ...HEALTHY.rounds, due: 1 } }, own)).toEqual([])
  })

  it('is not without the broker, a worker of our own or an intact ledger', () => {
    const stopped = { name: 'hourly', isRunning: () => false }
    const reasons = notReady(
      {
        ...HEALTHY,
        broker: { name: 'redis', reachable: false, words: 'ECONNREFUSED' },
        ledger: { ...HEALTHY.ledger!, intact: false, words: 'event 5 is wrong' },
      },
      { startedAt: AS_OF, workers: [running, stopped] },
    )
    expect(reasons).toEqual([
      'the broker does not answer: ECONNREFUSED',
      'no worker runs here for hourly',
      'the ledger is broken: event 5 is wrong',
    ])
  })

  it('is not when rounds are due and none has ended for two hours, unless they are paused', () => {
    const rounds = { ...HEALTHY.rounds, due: 3 }
    const later = { ...HEALTHY, at: AS_OF + 3 * HOUR, rounds }
    expect(notReady(later, own)).toEqual(['no round has ended for 3.0 hours, 3 are due'])
    expect(notReady({ ...later, rounds: HEALTHY.rounds }, own)).toEqual([])
    expect(notReady({ ...later, schedules: [{ ...HEALTHY.schedules[0], paused: true }] }, own)).toEqual([])
    expect(notReady({ ...later, round: null }, own)).toHaveLength(1)
  })
})
