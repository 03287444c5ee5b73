import type { FleetQueue, ScheduleName } from '../fleet-queues.ts'

/** What is in one queue now. */
export interface QueueStatus {
  readonly queue: FleetQueue
  readonly waiting: number
  readonly active: number
  readonly delayed: number
  readonly failed: number
  /** Parents whose children are not through. */
  readonly waitingChildren: number
  /** Seconds that the oldest waiting job has waited; null where none waits. */
  readonly oldestSeconds: number | null
  readonly paused: boolean
  /** Worker processes that listen to it. */
  readonly workers: number
}

/** How well the fleet serves, best first (design section 9). */
export type ServingState = 'healthy' | 'fallback' | 'none'

/** Everything that is to be known of a fleet at one moment: `status`, metrics, alerts and `/readyz` are read from it. */
export interface FleetStatus {
  /** UTC milliseconds. */
  readonly at: number
  readonly broker: { readonly name: string; readonly reachable: boolean; readonly words?: string }
  readonly queues: readonly QueueStatus[]
  /** `pid@host` of the workers that listen now, and of those that were there lately and went without a farewell. */
  readonly workers: readonly string[]
  readonly lostWorkers: readonly string[]
  readonly schedules: readonly {
    readonly schedule: ScheduleName
    readonly pattern: string
    readonly next: number | null
    readonly paused: boolean
  }[]
  /** The newest round that ended, by asOf; null before the first. */
  readonly round: {
    readonly asOf: number
    readonly endedAt: number
    readonly state: 'done' | 'failed' | 'skipped'
    readonly seconds: number
    /** One sentence for each thing that was not as it should be; empty: healthy. */
    readonly degraded: readonly string[]
  } | null
  /** Rounds that ended so far, by how they ended, and those that are due and have not ended. */
  readonly rounds: {
    readonly done: number
    readonly degraded: number
    readonly failed: number
    readonly skipped: number
    readonly due: number
  }
  /** What served in the newest round. `model` is `kind id`, or `none`. */
  readonly serving: { readonly state: ServingState; readonly model: string; readonly modelAgeSeconds: number | null }
  /** The newest bar that any coin had in the newest round: UTC milliseconds of its end, and its age. */
  readonly data: { readonly newest: number | null; readonly ageSeconds: number | null }
  /** The newest retraining that ended. */
  readonly retraining: {
    readonly flow: string
    readonly endedAt: number
    readonly ok: boolean
    readonly words: string
  } | null
  readonly ledger: {
    /** Dollars. This and the next two are NaN (null in JSON) while the ledger cannot be read. */
    readonly equity: number
    /** Share of the peak that is lost now, 0 to 1. */
    readonly drawdown: number
    readonly events: number
    /** Null before the first check. */
    readonly intact: boolean | null
    readonly words: string | null
  } | null
  /** NaN (null in JSON) while the broker has not answered yet. */
  readonly deadLetters: number
  /** Windows inferred and seconds spent on them, since the records began. */
  readonly inferred: { readonly windows: number; readonly seconds: number }
}
