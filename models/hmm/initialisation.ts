import { InputError } from '#data/errors.ts'
import type { Random } from '#data/random.ts'
import type { HourlySequence } from './expectation.ts'
import { type CovarianceType, covarianceSize, type HmmParameters } from './parameters.ts'

/** Rows on which the centres are sought. */
const LARGEST_SAMPLE = 4000
const LLOYD_ITERATIONS = 8
/** Hourly probability of staying: regimes last many hours, so the search starts with states that do. */
const STAY = 0.9

/** Up to `LARGEST_SAMPLE` rows with at least one value, drawn at even distance from a random start. */
function sampleRows(sequences: readonly HourlySequence[], D: number, random: Random): Float64Array {
  const total = sequences.reduce((sum, sequence) => sum + sequence.rows, 0)
  const step = Math.max(1, Math.floor(total / LARGEST_SAMPLE))
  const rows: number[] = []
  let next = random.integer(step)
  let before = 0
  for (const { rows: length, values } of sequences) {
    for (; next < before + length; next += step) {
      const row = values.subarray((next - before) * D, (next - before + 1) * D)
      if (row.some((value) => !Number.isNaN(value))) rows.push(...row)
    }
    before += length
  }
  return Float64Array.from(rows)
}

/** Mean squared distance over the dimensions that are observed. */
function distance(sample: Float64Array, row: number, centres: Float64Array, k: number, D: number): number {
  let sum = 0
  let observed = 0
  for (let d = 0; d < D; d++) {
    const value = sample[row * D + d]
    if (Number.isNaN(value)) continue
    sum += (value - centres[k * D + d]) ** 2
    observed++
  }
  return sum / observed
}

/**
 * Starting point of one run: centres by k-means++ (Arthur and Vassilvitskii 2007) and a few of Lloyd's steps, the
 * spread around each centre as its covariance, and a chain that prefers to stay.
 *
 * @param varianceFloor smallest variance
 * @throws {InputError} where there are fewer than two rows per state
 */
export function initialParameters(
  sequences: readonly HourlySequence[],
  states: number,
  dimensions: number,
  covarianceType: CovarianceType,
  varianceFloor: number,
  random: Random,
): HmmParameters {
  const D = dimensions
  const sample = sampleRows(sequences, D, random)
  const rows = sample.length / D
  if (rows < 2 * states) {
    throw new InputError(`${rows} usable rows are too few for a hidden Markov model with ${states} states`, { rows })
  }
  const centres = new Float64Array(states * D)
  const nearest = new Float64Array(rows).fill(Number.POSITIVE_INFINITY)
  let chosen = random.integer(rows)
  for (let k = 0; k < states; k++) {
    // A missing coordinate of a centre starts at 0, the training median of scaled values.
    for (let d = 0; d < D; d++) centres[k * D + d] = sample[chosen * D + d] || 0
    let total = 0
    for (let row = 0; row < rows; row++) {
      nearest[row] = Math.min(nearest[row], distance(sample, row, centres, k, D))
      total += nearest[row]
    }
    let threshold = random.uniform() * total
    chosen = 0
    while (chosen < rows - 1 && threshold >= nearest[chosen]) threshold -= nearest[chosen++]
  }

  const variance = new Float64Array(states * D)
  for (let iteration = 0; iteration < LLOYD_ITERATIONS; iteration++) lloydStep(sample, rows, centres, variance, D)

  const width = covarianceSize(covarianceType, D)
  const covariance = new Float64Array(states * width)
  for (let k = 0; k < states; k++) {
    for (let d = 0; d < D; d++) {
      const at = covarianceType === 'full' ? d * D + d : d
      covariance[k * width + at] = Math.max(variance[k * D + d], varianceFloor)
    }
  }
  const transition = new Float64Array(states * states).fill(states > 1 ? (1 - STAY) / (states - 1) : 1)
  if (states > 1) for (let i = 0; i < states; i++) transition[i * states + i] = STAY
  return {
    states,
    dimensions,
    covarianceType,
    initial: new Float64Array(states).fill(1 / states),
    transition,
    mean: centres,
    covariance,
  }
}

/** Gives every row to its nearest centre, then moves the centres to the middle of what they got. */
function lloydStep(sample: Float64Array, rows: number, centres: Float64Array, variance: Float64Array, D: number): void {
  const states = centres.length / D
  const count = new Float64Array(states * D)
  const sum = new Float64Array(states * D)
  const squares = new Float64Array(states * D)
  for (let row = 0; row < rows; row++) {
    let best = 0
    let shortest = distance(sample, row, centres, 0, D)
    for (let k = 1; k < states; k++) {
      const candidate = distance(sample, row, centres, k, D)
      if (candidate < shortest) {
        best = k
        shortest = candidate
      }
    }
    for (let d = 0; d < D; d++) {
      const value = sample[row * D + d]
      if (Number.isNaN(value)) continue
      count[best * D + d]++
      sum[best * D + d] += value
      squares[best * D + d] += value * value
    }
  }
  for (let i = 0; i < centres.length; i++) {
    if (count[i] === 0) {
      variance[i] = 1
      continue
    }
    centres[i] = sum[i] / count[i]
    variance[i] = squares[i] / count[i] - centres[i] ** 2
  }
}
