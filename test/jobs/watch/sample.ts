import { HOUR } from '#data/bars.ts'
import { roundFlow } from '#jobs/fleet-queues.ts'
import type { FleetRecords, RoundRecord } from '#jobs/records.ts'
import type { FleetStatus } from '#jobs/watch/status.ts'

/** A full hour. */
export const AS_OF = Date.UTC(2026, 10, 20, 10)

/** A fleet that is as it should be, ten minutes after {@link AS_OF}. */
export const HEALTHY: FleetStatus = {
  at: AS_OF + 600_000,
  broker: { name: 'redis', reachable: true },
  queues: [
    {
      queue: 'infer',
      waiting: 3,
      active: 2,
      delayed: 0,
      failed: 1,
      waitingChildren: 0,
      oldestSeconds: 0.5,
      paused: false,
      workers: 2,
    },
    {
      queue: 'round',
      waiting: 0,
      active: 1,
      delayed: 0,
      failed: 0,
      waitingChildren: 4,
      oldestSeconds: null,
      paused: false,
      workers: 1,
    },
  ],
  workers: ['1@home', '2@home'],
  lostWorkers: [],
  schedules: [{ schedule: 'hourly', pattern: '0 * * * *', next: AS_OF + HOUR, paused: false }],
  round: { asOf: AS_OF, endedAt: AS_OF + 25_000, state: 'done', seconds: 5, degraded: [] },
  rounds: { done: 30, degraded: 4, failed: 2, skipped: 1, due: 0 },
  serving: { state: 'healthy', model: 'cde 20261119T033000000Z-0123456789abcdef', modelAgeSeconds: 110_400 },
  data: { newest: AS_OF, ageSeconds: 600 },
  retraining: { flow: 'daily-2026-11-20', endedAt: AS_OF - 6 * HOUR, ok: true, words: 'cde is champion' },
  ledger: { equity: 10_250.5, drawdown: 0.015, events: 1234, intact: true, words: 'intact' },
  deadLetters: 0,
  inferred: { windows: 6000, seconds: 12.5 },
}

/** Begins a round and ends it. */
export function addRound(records: FleetRecords, asOf: number, known: Partial<RoundRecord> = {}): void {
  const startedAt = known.startedAt ?? asOf + 20_000
  records.beginRound({ asOf, flow: roundFlow(asOf), startedAt, late: false })
  records.noteRound(asOf, { state: 'done', endedAt: startedAt + 5_000, ...known })
}
