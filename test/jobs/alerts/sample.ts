import { HOUR } from '#data/bars.ts'
import { AlertOptions } from '#jobs/alerts/options.ts'
import type { FleetStatus } from '#jobs/watch/status.ts'

export const NOON = Date.parse('2026-11-20T12:00Z')
export const OPTIONS = AlertOptions.parse({})

/** A fleet in which nothing is wrong, but for what is given. */
export function statusWith(given: Partial<FleetStatus> = {}): FleetStatus {
  return {
    at: NOON,
    broker: { name: 'redis', reachable: true },
    queues: [],
    workers: ['17@alpha'],
    lostWorkers: [],
    schedules: [{ schedule: 'daily', pattern: '30 3 * * *', next: NOON + 15 * HOUR, paused: false }],
    round: { asOf: NOON, endedAt: NOON + 3_000, state: 'done', seconds: 3, degraded: [] },
    rounds: { done: 10, degraded: 0, failed: 0, skipped: 0, due: 0 },
    serving: { state: 'healthy', model: 'cde 1', modelAgeSeconds: 3_600 },
    data: { newest: NOON, ageSeconds: 60 },
    retraining: { flow: 'daily-2026-11-20', endedAt: NOON - 8 * HOUR, ok: true, words: 'promoted' },
    ledger: { equity: 1_000, drawdown: 0.01, events: 5, intact: true, words: null },
    deadLetters: 0,
    inferred: { windows: 0, seconds: 0 },
    ...given,
  } as FleetStatus
}
