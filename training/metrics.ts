import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { REGIMES } from '#models/regime.ts'

const CLASSES = REGIMES.length

/** Stands for "no prediction" (or "no label") wherever regimes are kept as bytes. */
export const NO_REGIME = 255

/** Machine epsilon of float32: scikit-learn clips float32 probabilities at the same value. */
export const SMALLEST_PROBABILITY = 2 ** -23

/**
 * Counts of truth against prediction.
 *
 * @param truth `[n]` classes 0..2
 * @param prediction `[n]` classes 0..2, or {@link NO_REGIME}, which is not counted
 * @returns row-major `[3, 3]`: rows truth, columns prediction
 */
export function confusionMatrix(truth: Uint8Array, prediction: Uint8Array): Float64Array {
  const counts = new Float64Array(CLASSES * CLASSES)
  for (let i = 0; i < truth.length; i++) {
    if (prediction[i] !== NO_REGIME) counts[truth[i] * CLASSES + prediction[i]]++
  }
  return counts
}

/** Scores that follow from a confusion matrix alone; the arrays are `[3]` in the order of `REGIMES`. */
export interface ClassScores {
  readonly n: number
  readonly accuracy: number
  readonly precision: readonly number[]
  readonly recall: readonly number[]
  readonly f1: readonly number[]
  readonly macroF1: number
}

/**
 * Accuracy, precision, recall and F1 by scikit-learn's definitions with `labels=[0, 1, 2], zero_division=0`:
 * a class that is neither present nor predicted scores 0, and macro-F1 is the plain mean over all three.
 *
 * @param confusion row-major `[3, 3]` from {@link confusionMatrix}
 * @returns all `NaN` when the matrix is empty: nothing was measured
 */
export function classScores(confusion: Float64Array): ClassScores {
  const precision: number[] = []
  const recall: number[] = []
  const f1: number[] = []
  let n = 0
  let hits = 0
  for (let i = 0; i < confusion.length; i++) n += confusion[i]
  for (let k = 0; k < CLASSES; k++) {
    const hit = confusion[k * CLASSES + k]
    let actual = 0
    let predicted = 0
    for (let j = 0; j < CLASSES; j++) {
      actual += confusion[k * CLASSES + j]
      predicted += confusion[j * CLASSES + k]
    }
    hits += hit
    precision.push(ratio(hit, predicted, n))
    recall.push(ratio(hit, actual, n))
    f1.push(ratio(2 * hit, actual + predicted, n))
  }
  const macroF1 = f1.reduce((sum, value) => sum + value, 0) / CLASSES
  return { n, accuracy: hits / n, precision, recall, f1, macroF1 }
}

/** `part / whole`; 0 where the class is empty, `NaN` where there is no sample at all. */
function ratio(part: number, whole: number, samples: number): number {
  if (samples === 0) return Number.NaN
  return whole === 0 ? 0 : part / whole
}

/**
 * Mean negative log-likelihood of the truth in nats, probabilities clipped to `[2^-23, 1 - 2^-23]`.
 *
 * @param probabilities row-major `[n, 3]`; rows with a `NaN` are left out
 * @returns `NaN` when no row is left
 */
export function logLoss(truth: Uint8Array, probabilities: Float32Array): number {
  let sum = 0
  let n = 0
  for (let i = 0; i < truth.length; i++) {
    const loss = sampleLogLoss(truth, probabilities, i)
    if (Number.isNaN(loss)) continue
    sum += loss
    n++
  }
  return sum / n
}

/** Negative log-likelihood of the truth of sample `i`, clipped as in {@link logLoss}; `NaN` where a row has a `NaN`. */
export function sampleLogLoss(truth: Uint8Array, probabilities: Float32Array, i: number): number {
  const start = i * CLASSES
  if (Number.isNaN(probabilities[start] + probabilities[start + 1] + probabilities[start + 2])) return Number.NaN
  const probability = probabilities[start + truth[i]]
  return -Math.log(Math.min(Math.max(probability, SMALLEST_PROBABILITY), 1 - SMALLEST_PROBABILITY))
}

/**
 * Mean Kullback-Leibler divergence of `probabilities` from `reference` in nats: what using the model
 * instead of the reference costs in expected log-loss. Rows with a `NaN` on either side are left out.
 */
export function meanDivergence(reference: Float32Array, probabilities: Float32Array): number {
  let sum = 0
  let n = 0
  for (let start = 0; start < reference.length; start += CLASSES) {
    let row = 0
    for (let k = start; k < start + CLASSES; k++) {
      const q = Math.max(probabilities[k], SMALLEST_PROBABILITY)
      if (Number.isNaN(q) || Number.isNaN(reference[k])) row = Number.NaN
      else if (reference[k] > 0) row += reference[k] * Math.log(reference[k] / q)
    }
    if (Number.isNaN(row)) continue
    sum += row
    n++
  }
  return sum / n
}

/** Share of each class among the predictions made, `[3]`; `NaN` when there are none. */
export function occupancy(prediction: Uint8Array): number[] {
  const counts = new Array<number>(CLASSES).fill(0)
  let n = 0
  for (let i = 0; i < prediction.length; i++) {
    if (prediction[i] === NO_REGIME) continue
    counts[prediction[i]]++
    n++
  }
  return counts.map((count) => count / n)
}

/** Samples put into the order of time, coin by coin. */
export interface HourlyOrder {
  /** `[n]`: sample indices, sorted by coin, then time. */
  readonly order: Uint32Array
  /** `[n]`: 1 where `order[i]` is exactly one hour after `order[i - 1]` of the same coin. */
  readonly follows: Uint8Array
}

/**
 * Sorts samples by coin and time.
 *
 * @throws {InputError} when a coin has two samples at one time
 */
export function hourlyOrder(coin: readonly string[], asOf: Float64Array): HourlyOrder {
  const order = Uint32Array.from(coin.keys())
  order.sort((a, b) => (coin[a] === coin[b] ? asOf[a] - asOf[b] : coin[a] < coin[b] ? -1 : 1))
  const follows = new Uint8Array(order.length)
  for (let i = 1; i < order.length; i++) {
    const [before, now] = [order[i - 1], order[i]]
    if (coin[before] !== coin[now]) continue
    const step = asOf[now] - asOf[before]
    if (step === 0) {
      const time = new Date(asOf[now]).toISOString()
      throw new InputError(`${coin[now]} has two samples at ${time}; each hour may be scored once`, {
        coin: coin[now],
        time,
      })
    }
    follows[i] = step === HOUR ? 1 : 0
  }
  return { order, follows }
}

/** How restless a series of labels is. */
export interface Stability {
  /** Changes of label per day of consecutive hours; `NaN` when no two hours follow each other. */
  readonly churnPerDay: number
  /** Mean length of a run of one label in hours; runs cut by a gap or an end count as they are. */
  readonly meanDwellHours: number
}

/**
 * Churn and dwell of labels, over consecutive hours of one coin only: a gap or an unanswered hour ends a run
 * without being a change.
 *
 * @param labels `[n]` in sample order; {@link NO_REGIME} where there is none
 */
export function stability({ order, follows }: HourlyOrder, labels: Uint8Array): Stability {
  let pairs = 0
  let flips = 0
  let hours = 0
  let runs = 0
  for (let i = 0; i < order.length; i++) {
    const now = labels[order[i]]
    if (now === NO_REGIME) continue
    hours++
    const before = follows[i] === 1 ? labels[order[i - 1]] : NO_REGIME
    if (before !== NO_REGIME) pairs++
    if (before !== now) runs++
    if (before !== NO_REGIME && before !== now) flips++
  }
  return { churnPerDay: (flips / pairs) * 24, meanDwellHours: pairs === 0 ? Number.NaN : hours / runs }
}
