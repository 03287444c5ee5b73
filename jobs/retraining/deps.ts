import type { Logger } from 'pino'
import type { SourceSpec } from '#data/source.ts'
import type { WeightBudget } from '#data/weight-budget.ts'
import type { ObjectStore } from '#models/store/object-store.ts'
import type { LoadedHistory } from '#training/history.ts'
import type { Broker } from '../broker.ts'
import type { RunContext, RunSettings } from '../pipeline/settings.ts'
import type { FleetRecords } from '../records.ts'
import type { RetrainingOptions } from './options.ts'

/** What a retraining needs of the process that has the state folder. */
export interface RetrainingDeps {
  readonly broker: Broker
  readonly settings: RunSettings
  readonly retraining: RetrainingOptions
  readonly records: FleetRecords
  readonly logger: Logger
  /** UTC milliseconds. */
  readonly now: () => number
  /** Where other machines get models from. */
  readonly store?: ObjectStore
  /** Puts the data where other machines get them, and says how they ask for them. */
  readonly publishDataset?: (history: LoadedHistory, signal?: AbortSignal) => Promise<SourceSpec>
  /** Rate limit of the venue, shared with the rounds. */
  readonly budget?: WeightBudget
}

/** The context that the pipeline's functions take. */
export function contextOf({ now, logger }: RetrainingDeps, signal?: AbortSignal): RunContext {
  // Nobody watches: what there is to see is in the records and the log.
  return { now, logger, progress: () => {}, signal }
}
