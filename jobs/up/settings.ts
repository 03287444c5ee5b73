import type { StoreOptions } from '#models/store/options.ts'
import type { AlertOptions } from '../alerts/options.ts'
import type { RunSettings } from '../pipeline/settings.ts'
import type { RetrainingOptions } from '../retraining/options.ts'
import type { RoundOptions } from '../rounds/options.ts'
import type { PaperOptions } from '../trading/options.ts'
import type { WatchOptions } from '../watch/options.ts'

/** Everything that decides what `up` does. */
export interface UpSettings extends RunSettings {
  readonly rounds: RoundOptions
  readonly retraining: RetrainingOptions
  readonly watch: WatchOptions
  readonly alerts: AlertOptions
  readonly store: StoreOptions
  readonly paper: PaperOptions
  /** Seconds that running jobs have to end when the fleet is to stop. */
  readonly drainSeconds: number
  /** Megabytes that the process of a training may have resident. */
  readonly trainMemoryMb?: number
}
