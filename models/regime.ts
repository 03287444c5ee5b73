import type { Windows } from '#data/windows.ts'

/** What a market does, in the order of every probability vector. */
export const REGIMES = ['chop', 'trend', 'reversal'] as const
export type Regime = (typeof REGIMES)[number]

/** Kinds of models that the registry keeps and a worker can serve. */
export const SERVED_KINDS = ['cde', 'hmm'] as const
export type ServedKind = (typeof SERVED_KINDS)[number]

/** A model's answer for one coin at one time. */
export interface RegimeEstimate {
  readonly coin: string
  readonly asOf: number
  /** Probabilities of chop, trend, reversal; sum 1. */
  readonly probabilities: readonly [number, number, number]
  /** Most probable regime. */
  readonly regime: Regime
  /** Registry id of the checkpoint that answered. */
  readonly model: string
}

/** Anything that turns windows into regime probabilities. */
export interface RegimeModel {
  readonly name: string
  /** Knots a window must have. */
  readonly knots: number
  /** Channels a window must have, in order. */
  readonly channels: readonly string[]
  /** @returns row-major `[count, 3]`; rows sum to 1, or are `NaN` where the model has nothing to go by. */
  estimate(windows: Windows): Promise<Float32Array>
}

/** Index of the largest of the three probabilities of row `row`, which must not be `NaN`. */
export function mostProbable(probabilities: Float32Array, row: number): number {
  const start = row * REGIMES.length
  let best = 0
  for (let k = 1; k < REGIMES.length; k++) if (probabilities[start + k] > probabilities[start + best]) best = k
  return best
}
