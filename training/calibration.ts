import { mostProbable, REGIMES } from '#models/regime.ts'

/** Bins of the reliability curve, equally wide over confidence 0 to 1. */
export const CALIBRATION_BINS = 15

/** One bar of a reliability diagram: samples whose top probability lies in `(from, to]`. */
export interface ReliabilityBin {
  readonly from: number
  readonly to: number
  readonly count: number
  /** Mean top probability of the bin; `NaN` when the bin is empty. */
  readonly confidence: number
  /** Share of the bin whose most probable class was right; `NaN` when the bin is empty. */
  readonly accuracy: number
}

/** Reliability of the most probable class. */
export interface Calibration {
  readonly bins: readonly ReliabilityBin[]
  /** Expected calibration error: mean of |accuracy - confidence| over bins, weighted by their counts. */
  readonly ece: number
}

/**
 * Top-label reliability: confidence is the largest probability of a row, and bin m of 15 holds confidences in
 * `((m - 1) / 15, m / 15]` (Guo et al., "On Calibration of Modern Neural Networks", 2017, equations 2 and 3).
 *
 * For: whether "70 %" is right 70 % of the time. Not for: how good a model is; one that always answers the class
 * frequencies is perfectly calibrated. On few samples it is above 0 by chance alone.
 *
 * @param truth `[n]` classes 0..2
 * @param probabilities row-major `[n, 3]`; rows with a `NaN` are left out
 * @returns `ece` is `NaN` when no row is left
 */
export function calibration(truth: Uint8Array, probabilities: Float32Array): Calibration {
  return reliability(truth, probabilities, (row) => mostProbable(probabilities, row))
}

/**
 * Reliability of the probability given to one regime, whether or not it was the largest: in a {@link ReliabilityBin},
 * `confidence` is then the mean of that probability and `accuracy` the share of samples that were of this regime. This is
 * what a rule on one probability ("chop above 0.6") leans on.
 *
 * @param regime index into `REGIMES`
 */
export function regimeCalibration(truth: Uint8Array, probabilities: Float32Array, regime: number): Calibration {
  return reliability(truth, probabilities, () => regime)
}

function reliability(truth: Uint8Array, probabilities: Float32Array, classOf: (row: number) => number): Calibration {
  const count = new Float64Array(CALIBRATION_BINS)
  const confidence = new Float64Array(CALIBRATION_BINS)
  const hits = new Float64Array(CALIBRATION_BINS)
  let n = 0
  for (let i = 0; i < truth.length; i++) {
    const start = i * REGIMES.length
    if (Number.isNaN(probabilities[start] + probabilities[start + 1] + probabilities[start + 2])) continue
    const judged = classOf(i)
    const value = probabilities[start + judged]
    // Rounding may leave a probability a hair above 1, and one of exactly 0 belongs to the first bin: both are kept.
    const bin = Math.min(Math.max(Math.ceil(value * CALIBRATION_BINS) - 1, 0), CALIBRATION_BINS - 1)
    count[bin]++
    confidence[bin] += value
    if (judged === truth[i]) hits[bin]++
    n++
  }
  const bins: ReliabilityBin[] = []
  let ece = n === 0 ? Number.NaN : 0
  for (let bin = 0; bin < CALIBRATION_BINS; bin++) {
    if (count[bin] > 0) ece += Math.abs(hits[bin] - confidence[bin]) / n
    bins.push({
      from: bin / CALIBRATION_BINS,
      to: (bin + 1) / CALIBRATION_BINS,
      count: count[bin],
      confidence: confidence[bin] / count[bin],
      accuracy: hits[bin] / count[bin],
    })
  }
  return { bins, ece }
}
