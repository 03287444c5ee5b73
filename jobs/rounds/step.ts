import type { Logger } from 'pino'
import type { WheelOptions } from '#src/options.ts'
import type { Broker } from '../broker.ts'
import type { Pinned } from '../pipeline/versions.ts'
import type { FleetRecords } from '../records.ts'
import type { RoundClock } from './clock.ts'
import type { RoundMarkets } from './markets.ts'
import type { RoundOptions } from './options.ts'
import type { TraderKeeper } from './trader.ts'

/** What the steps of a round work with. */
export interface RoundStepsOptions {
  readonly broker: Broker
  readonly records: FleetRecords
  readonly clock: RoundClock
  readonly markets: RoundMarkets
  readonly trader: TraderKeeper
  /** Folder of the model registry. */
  readonly models: string
  readonly rounds: RoundOptions
  readonly wheel: WheelOptions
  /** Check the whole ledger, and review graduation, every so many hours. */
  readonly integrityHours: number
  /** Versions that answer instead of the champions. */
  readonly pinned?: () => Promise<Pinned | undefined>
  /** Between two looks at a source whose bars are late, milliseconds, default 20,000. */
  readonly latePause?: number
  readonly logger: Logger
}

/** What a step answers: a few words for whoever looks at its job. */
export type StepAnswer = Readonly<Record<string, unknown>>
