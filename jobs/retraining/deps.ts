import type { Logger } from 'pino'
import type { WeightBudget } from '#data/weight-budget.ts'
import type { ObjectStore } from '#models/store/object-store.ts'
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
  /** Where other machines get data and models from, and leave those that they have trained. */
  readonly store?: ObjectStore
  /** Rate limit of the venue, shared with the rounds. */
  readonly budget?: WeightBudget
}

/** The context that the pipeline's functions take. */
export function contextOf({ now, logger }: RetrainingDeps, signal?: AbortSignal): RunContext {
  // Nobody watches: what there is to see is in the records and the log.
  return { now, logger, progress: () => {}, signal }
}
