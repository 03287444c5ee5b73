import { InputError } from '#data/errors.ts'
import { choleskyInPlace, invertLowerTriangle } from '#models/hmm/linear-algebra.ts'
import { REGIMES } from '#models/regime.ts'
import { SMALLEST_PROBABILITY } from '../metrics.ts'

const CLASSES = REGIMES.length
/** Temperatures are kept inside: a model that knows nothing would otherwise get an endless one. */
const COLDEST = 0.02
const HOTTEST = 100
/**
 * A hair of ridge, in nats over the whole set, towards leaving the probabilities as they are: on classes that can be
 * told apart without error the likelihood alone has no maximum.
 */
const RIDGE = 1e-4
const NEWTON_STEPS = 100

/** New log-odds from old: `log p / temperature + bias`, then normalised. Plain data. */
export interface Calibrator {
  /** Above 1: the model was too sure. */
  readonly temperature: number
  /** `[3]` nats, sum 0; all 0 where only the temperature was fitted. Moves which regime is the most probable. */
  readonly bias: readonly number[]
}

/**
 * Temperature scaling (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2): the one temperature
 * with the smallest log-loss. It never changes which regime is the most probable, so F1, churn and occupancy stay.
 *
 * Fit on validation, never on what is then scored.
 *
 * @param label `[n]` classes 0..2
 * @param probabilities row-major `[n, 3]`; rows with a `NaN` are left out, 0 counts as 2^-23
 * @throws {InputError} where no row is left
 */
export function fitTemperature(label: Uint8Array, probabilities: Float32Array): number {
  return minimise(label, probabilities, false).temperature
}

/**
 * One temperature and one bias for each regime with the smallest log-loss: a multinomial logistic regression on the
 * log-probabilities with a shared slope ("bias-corrected temperature scaling", Alexandari et al. 2020). Beside
 * over-confidence it takes out the shift that training with class weights puts on every probability.
 *
 * **The biases change which regime is the most probable**, and with it F1 and occupancy: choose between this and
 * {@link fitTemperature} on validation.
 *
 * @throws {InputError} where no row is left, or a regime has no sample (its bias would run away)
 */
export function fitCalibrator(label: Uint8Array, probabilities: Float32Array): Calibrator {
  return minimise(label, probabilities, true)
}

/** The probabilities at another temperature; rows with a `NaN` stay `NaN`. See {@link fitTemperature}. */
export function applyTemperature(probabilities: Float32Array, temperature: number): Float32Array {
  return applyCalibrator(probabilities, { temperature, bias: [0, 0, 0] })
}

/**
 * The calibrated probabilities, `[n, 3]`; rows with a `NaN` become `NaN` as a whole.
 *
 * @throws {InputError} where the temperature is not above 0
 */
export function applyCalibrator(probabilities: Float32Array, { temperature, bias }: Calibrator): Float32Array {
  if (!(temperature > 0)) throw new InputError(`temperature must be above 0, got ${temperature}`, { temperature })
  const logits = logProbabilities(probabilities)
  const answer = new Float32Array(probabilities.length)
  const row = new Float64Array(CLASSES)
  for (let start = 0; start < answer.length; start += CLASSES) {
    softmax(logits, start, 1 / temperature, bias, row)
    answer.set(row, start)
  }
  return answer
}

/**
 * Newton's method on a convex loss in slope = 1 / temperature and biases. Where the best slope lies outside the
 * range, it is fixed at the end of it and the biases are fitted alone, which for a convex loss is the constrained
 * optimum.
 */
function minimise(label: Uint8Array, probabilities: Float32Array, withBias: boolean): Calibrator {
  if (probabilities.length !== label.length * CLASSES) {
    throw new InputError(`calibration: ${probabilities.length} probabilities for ${label.length} labels`)
  }
  const logits = logProbabilities(probabilities)
  const counts = new Array<number>(CLASSES).fill(0)
  for (let i = 0; i < label.length; i++) if (!Number.isNaN(logits[i * CLASSES])) counts[label[i]]++
  if (counts.every((count) => count === 0)) throw new InputError('calibration: no answered sample to fit on')
  const absent = counts.indexOf(0)
  if (withBias && absent >= 0) {
    throw new InputError(`calibration: no sample of ${REGIMES[absent]} to fit its bias on`, { counts })
  }
  const start = { slope: 1, bias: [0, 0, 0] }
  let best = newton(label, logits, start, { slope: true, bias: withBias })
  const slope = Math.min(Math.max(best.slope, 1 / HOTTEST), 1 / COLDEST)
  if (slope !== best.slope) best = newton(label, logits, { slope, bias: [0, 0, 0] }, { slope: false, bias: withBias })
  const mean = best.bias.reduce((sum, value) => sum + value, 0) / CLASSES
  return { temperature: 1 / slope, bias: best.bias.map((value) => value - mean) }
}

interface Parameters {
  readonly slope: number
  readonly bias: readonly number[]
}

function newton(
  label: Uint8Array,
  logits: Float64Array,
  start: Parameters,
  free: { readonly slope: boolean; readonly bias: boolean },
): Parameters {
  // The bias of the first regime is 0: only differences of biases mean anything.
  const at = Float64Array.of(start.slope, start.bias[1] - start.bias[0], start.bias[2] - start.bias[0])
  const open = [...(free.slope ? [0] : []), ...(free.bias ? [1, 2] : [])]
  const size = open.length
  const gradient = new Float64Array(3)
  const hessian = new Float64Array(9)
  const trial = new Float64Array(3)
  let loss = derivatives(label, logits, at, gradient, hessian)
  for (let step = 0; step < NEWTON_STEPS && size > 0; step++) {
    const factor = Float64Array.from({ length: size * size }, (_, i) => {
      return hessian[open[Math.floor(i / size)] * 3 + open[i % size]]
    })
    choleskyInPlace(factor, size)
    const inverse = invertLowerTriangle(factor, size)
    const half = open.map((_, i) => open.reduce((sum, k, j) => sum + inverse[i * size + j] * gradient[k], 0))
    const move = open.map((_, j) => half.reduce((sum, value, i) => sum + inverse[i * size + j] * value, 0))
    const decrement = half.reduce((sum, value) => sum + value * value, 0)
    if (decrement < 1e-14 * label.length) break
    let length = 1
    let lower = false
    // A full step may overshoot where the model was very sure: halve until the loss falls.
    for (; !lower && length > 1e-10; length /= 2) {
      trial.set(at)
      open.forEach((k, i) => {
        trial[k] -= length * move[i]
      })
      lower = derivatives(label, logits, trial) < loss - 1e-4 * length * decrement
    }
    if (!lower) break
    at.set(trial)
    loss = derivatives(label, logits, at, gradient, hessian)
  }
  return { slope: at[0], bias: [0, at[1], at[2]] }
}

/** Total log-loss in nats with its ridge at `[slope, bias 1, bias 2]`; writes gradient `[3]` and Hessian `[3, 3]`. */
function derivatives(
  label: Uint8Array,
  logits: Float64Array,
  at: Float64Array,
  gradient?: Float64Array,
  hessian?: Float64Array,
): number {
  const bias = [0, at[1], at[2]]
  const p = new Float64Array(CLASSES)
  const slopes = new Float64Array(3)
  const away = [at[0] - 1, at[1], at[2]]
  let loss = (RIDGE / 2) * away.reduce((sum, value) => sum + value * value, 0)
  gradient?.set(away.map((value) => RIDGE * value))
  hessian?.set([RIDGE, 0, 0, 0, RIDGE, 0, 0, 0, RIDGE])
  for (let i = 0; i < label.length; i++) {
    const start = i * CLASSES
    if (Number.isNaN(logits[start])) continue
    loss += softmax(logits, start, at[0], bias, p, label[i])
    if (!gradient || !hessian) continue
    const mean = p[0] * logits[start] + p[1] * logits[start + 1] + p[2] * logits[start + 2]
    gradient[0] += mean - logits[start + label[i]]
    gradient[1] += p[1] - (label[i] === 1 ? 1 : 0)
    gradient[2] += p[2] - (label[i] === 2 ? 1 : 0)
    // The Hessian is the covariance, under p, of how each logit moves with the parameters.
    for (let k = 0; k < CLASSES; k++) {
      slopes[0] = logits[start + k] - mean
      slopes[1] = (k === 1 ? 1 : 0) - p[1]
      slopes[2] = (k === 2 ? 1 : 0) - p[2]
      for (let a = 0; a < 3; a++) for (let b = 0; b < 3; b++) hessian[a * 3 + b] += p[k] * slopes[a] * slopes[b]
    }
  }
  return loss
}

/** Writes the softmax of `slope * logits + bias` of one row to `p`; returns the loss of `truth` in nats. */
function softmax(
  logits: Float64Array,
  start: number,
  slope: number,
  bias: readonly number[],
  p: Float64Array,
  truth = 0,
): number {
  for (let k = 0; k < CLASSES; k++) p[k] = slope * logits[start + k] + bias[k]
  const largest = Math.max(p[0], p[1], p[2])
  const own = p[truth] - largest
  let sum = 0
  for (let k = 0; k < CLASSES; k++) {
    p[k] = Math.exp(p[k] - largest)
    sum += p[k]
  }
  for (let k = 0; k < CLASSES; k++) p[k] /= sum
  return Math.log(sum) - own
}

/** Logarithms with 0 counted as 2^-23; a row with a `NaN` is `NaN` as a whole. */
function logProbabilities(probabilities: Float32Array): Float64Array {
  const logits = new Float64Array(probabilities.length)
  for (let start = 0; start < logits.length; start += CLASSES) {
    const missing = Number.isNaN(probabilities[start] + probabilities[start + 1] + probabilities[start + 2])
    for (let k = start; k < start + CLASSES; k++) {
      logits[k] = missing ? Number.NaN : Math.log(Math.max(probabilities[k], SMALLEST_PROBABILITY))
    }
  }
  return logits
}
