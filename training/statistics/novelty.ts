import { InputError } from '#data/errors.ts'
import { choleskyInPlace, invertLowerTriangle } from '#models/hmm/linear-algebra.ts'
import { quantile } from '#statistics/quantile.ts'

/** Above this quantile of the training distances a state counts as novel. */
const NOVEL = 0.99
/** Quantiles of the training distances that are kept. */
const QUANTILES = [0.5, 0.9, 0.95, NOVEL, 0.999] as const

/** What ordinary hidden states look like: plain data, ready for JSON. */
export interface NoveltyModel {
  /** Length of a state. */
  readonly size: number
  /** `[size]`. */
  readonly mean: readonly number[]
  /** Row-major `[size, size]`, lower triangular: the inverse of the Cholesky factor of the shrunk covariance. */
  readonly whitening: readonly number[]
  /** How far the covariance was moved towards a multiple of the identity, 0 to 1. */
  readonly shrinkage: number
  /** Distances of the training states themselves. */
  readonly quantiles: readonly { readonly level: number; readonly distance: number }[]
}

/**
 * Mean and covariance of hidden states. The covariance is shrunk by Ledoit and Wolf (2004, "A well-conditioned
 * estimator for large-dimensional covariance matrices"), because hidden units repeat each other and some lie dead: the
 * plain covariance then has next to no width in some directions and calls everything new there.
 *
 * @param states row-major `[n, size]` of the **training** fold; rows with a value that is not finite are left out
 * @throws {InputError} with fewer than two whole rows, or where no state differs from another
 */
export function fitNovelty(states: Float32Array, size: number): NoveltyModel {
  const rows = wholeRows(states, size)
  const n = rows.length
  if (n < 2) throw new InputError(`novelty: ${n} usable states, at least 2 are needed`, { states: n })
  const mean = new Float64Array(size)
  for (const start of rows) for (let k = 0; k < size; k++) mean[k] += states[start + k] / n
  const centred = new Float64Array(n * size)
  rows.forEach((start, i) => {
    for (let k = 0; k < size; k++) centred[i * size + k] = states[start + k] - mean[k]
  })
  const { covariance, shrinkage, scale } = ledoitWolf(centred, n, size)
  if (!(scale > 0)) throw new InputError('novelty: all states are the same, no distance can be told', { states: n })
  // In units of the mean variance, so that the floor of the pivots is relative to the states.
  const factor = covariance.map((value) => value / scale)
  choleskyInPlace(factor, size)
  const whitening = [...invertLowerTriangle(factor, size).map((value) => value / Math.sqrt(scale))]
  const model = { size, mean: [...mean], whitening, shrinkage, quantiles: [] }
  const distances = noveltyScores(model, states)
    .filter((value) => !Number.isNaN(value))
    .sort()
  return { ...model, quantiles: QUANTILES.map((level) => ({ level, distance: quantile(distances, level) })) }
}

/**
 * Mahalanobis distance of each state from the training states, `[n]`: in standard deviations, all directions taken
 * together; about `sqrt(size)` for ordinary states. `NaN` for a state with a value that is not finite.
 *
 * For: a warning that a model is asked about something unlike what it learnt from. Not for: whether its answer is
 * wrong; and a state that looks ordinary is no proof that the market is.
 *
 * @param states row-major `[n, size]`
 */
export function noveltyScores({ size, mean, whitening }: NoveltyModel, states: Float32Array): Float64Array {
  checkStates(states, size)
  const factor = Float64Array.from(whitening)
  const centred = new Float64Array(size)
  const scores = new Float64Array(states.length / size)
  for (let i = 0; i < scores.length; i++) {
    for (let k = 0; k < size; k++) centred[k] = states[i * size + k] - mean[k]
    let squares = 0
    for (let row = 0; row < size; row++) {
      let sum = 0
      for (let k = 0; k <= row; k++) sum += factor[row * size + k] * centred[k]
      squares += sum * sum
    }
    scores[i] = Number.isFinite(squares) ? Math.sqrt(squares) : Number.NaN
  }
  return scores
}

/** Share of scores above the 99 % quantile of the training distances: 1 % on data like it; `NaN` without a score. */
export function novelShare({ quantiles }: NoveltyModel, scores: Float64Array): number {
  const limit = quantiles.find(({ level }) => level === NOVEL)?.distance
  if (limit === undefined) throw new InputError(`novelty: the model keeps no ${NOVEL} quantile`)
  let novel = 0
  let n = 0
  for (const score of scores) {
    if (Number.isNaN(score)) continue
    if (score > limit) novel++
    n++
  }
  return novel / n
}

/** Covariance (over n) shrunk towards `scale` times the identity, as scikit-learn's `ledoit_wolf`. */
function ledoitWolf(centred: Float64Array, n: number, size: number) {
  const covariance = new Float64Array(size * size)
  // Sum over samples of the squares of all products x_i x_j, which is the square of the squared length.
  let fourth = 0
  for (let start = 0; start < centred.length; start += size) {
    let squares = 0
    for (let i = 0; i < size; i++) {
      const value = centred[start + i]
      squares += value * value
      for (let j = 0; j <= i; j++) covariance[i * size + j] += (value * centred[start + j]) / n
    }
    fourth += squares * squares
  }
  let trace = 0
  let norm = 0
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) covariance[j * size + i] = covariance[i * size + j]
    trace += covariance[i * size + i]
  }
  for (const value of covariance) norm += value * value
  const scale = trace / size
  const spread = norm - size * scale * scale
  const noise = Math.min((fourth / n - norm) / n, spread)
  const shrinkage = noise > 0 ? noise / spread : 0
  for (let i = 0; i < covariance.length; i++) covariance[i] *= 1 - shrinkage
  for (let i = 0; i < size; i++) covariance[i * size + i] += shrinkage * scale
  return { covariance, shrinkage, scale }
}

/** Where each row begins that has finite values only. */
function wholeRows(states: Float32Array, size: number): number[] {
  checkStates(states, size)
  const rows: number[] = []
  for (let start = 0; start < states.length; start += size) {
    if (states.subarray(start, start + size).every(Number.isFinite)) rows.push(start)
  }
  return rows
}

function checkStates(states: Float32Array, size: number): void {
  if (!Number.isInteger(size) || size < 1 || states.length % size !== 0) {
    throw new InputError(`novelty: ${states.length} values are not whole states of ${size}`, { size })
  }
}
