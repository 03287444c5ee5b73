import { z } from 'zod'

/** What a neural CDE is made of; stored in its checkpoint. */
export const CdeConfiguration = z.object({
  /** Size of the hidden state h. */
  hidden: z.int().min(1).max(512).default(32),
  /** Width of the vector field's inner layer. */
  width: z.int().min(1).max(1024).default(32),
  /** Width of the read-out layer on [h(T), X(T)]. */
  readout: z.int().min(1).max(512).default(32),
  /** Fixed-step solver, stepping on the knots. */
  solver: z.enum(['euler', 'heun']).default('heun'),
  /** Scaled features are clipped to this many interquartile ranges. */
  clip: z.number().positive().default(8),
})
export type CdeConfiguration = z.infer<typeof CdeConfiguration>

/** Everything but the weights that is needed to run a neural CDE on windows. */
export interface CdeArchitecture extends CdeConfiguration {
  /** Feature channels of a window, in order. */
  readonly channels: readonly string[]
  /** Those of them that were ever missing in training: each gets an observation-count channel. */
  readonly counted: readonly string[]
  /** Knots of a training window; time and counts are measured in this length. */
  readonly knots: number
}

/** The feature whose running sum (not its level) is on the control path (design section 4). */
export const SUMMED_CHANNEL = 'return'

/** Channels of the control path: time, the features, the observation counts. */
export function pathChannels(architecture: CdeArchitecture): number {
  return 1 + architecture.channels.length + architecture.counted.length
}

/** Hours or observations by which time and counts are divided. */
export function windowLength(architecture: CdeArchitecture): number {
  return Math.max(1, architecture.knots - 1)
}
