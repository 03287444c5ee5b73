import { z } from 'zod'

/** What a neural CDE is made of; stored in its checkpoint. */
export const CdeConfiguration = z.object({
  /** Size of the hidden state h. */
  hidden: z.int().min(1).max(512).default(32),
  /** Width of the vector field's inner layer. */
  width: z.int().min(1).max(1024).default(32),
  /** Width of the read-out layer. */
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
  /** Knots of a training window. */
  readonly knots: number
}

/** Channels of the control path: time, the features, the observation counts. */
export function pathChannels(architecture: CdeArchitecture): number {
  return 1 + architecture.channels.length + architecture.counted.length
}

/** Channel whose sign at the last knot is the direction that trend goes with and reversal against. */
const DIRECTION_CHANNEL = 'return12'

/** Index of the direction on the control path; -1 where the model does not see it. */
export function directionChannel(architecture: CdeArchitecture): number {
  const channel = architecture.channels.indexOf(DIRECTION_CHANNEL)
  return channel < 0 ? -1 : 1 + channel
}

/** Hours by which time on the control path is divided: those of a window without gaps. */
export function windowHours(architecture: CdeArchitecture): number {
  return Math.max(1, architecture.knots - 1)
}

/** What one observation adds to its count on the control path. */
export function countUnit(architecture: CdeArchitecture): number {
  return 1 / architecture.knots
}

/** What the running sum of returns is multiplied by: a random walk over a window then ends near 1. */
export function summedUnit(architecture: CdeArchitecture): number {
  return 1 / Math.sqrt(architecture.knots)
}
