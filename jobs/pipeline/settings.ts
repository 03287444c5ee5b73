import type { Logger } from 'pino'
import type { ProgressListener } from '#data/progress.ts'
import type { SourceSpec } from '#data/source.ts'
import type { Alias } from '#models/registry-log.ts'
import type { WheelOptions } from '#src/options.ts'
import type { TrainingOptions } from '#training/options.ts'
import type { EvaluationOptions } from '#training/walk-forward/options.ts'

/** A source by name, or `auto`: Hyperliquid where it answers, else the simulator. */
export type WantedSource =
  | SourceSpec
  | {
      readonly source: 'auto'
      readonly apiUrl?: string
      readonly fallbackApiUrls?: readonly string[]
      readonly seed: number
    }

/** Everything that decides what a run does; resolved from the configuration by the command line. */
export interface RunSettings {
  readonly source: WantedSource
  /** Coins to evaluate and to trade; the core eight that the source has by default. */
  readonly coins?: readonly string[]
  /** Coins to train on; every coin of a local source, the coins evaluated of a remote one, by default. */
  readonly pool?: readonly string[] | 'all'
  /** Range of `asOf`, UTC milliseconds, half-open; what the source has by default. */
  readonly from?: number
  readonly to?: number
  /** Where the test period begins; the last fifth of the range by default. */
  readonly testFrom?: number
  readonly seed: number
  /** Which versions of the registry answer where none are named: those that serve, or those trained and judged last. */
  readonly versions?: Alias
  /** Days after which a champion does not serve any more. */
  readonly maxAgeDays?: number
  readonly training: TrainingOptions
  readonly evaluation: EvaluationOptions
  readonly wheel: WheelOptions
  readonly fleet: {
    readonly redisUrl?: string
    readonly postgresUrl?: string
    readonly namespace: string
    readonly workers: number
    readonly concurrency: number
  }
  /** Directories. */
  readonly paths: { readonly state: string; readonly models: string; readonly reports: string }
}

/** What the outside world gives to a run. */
export interface RunContext {
  /** UTC milliseconds. */
  readonly now: () => number
  readonly progress: ProgressListener
  readonly logger: Logger
  readonly signal?: AbortSignal
}
