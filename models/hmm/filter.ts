/**
 * P(state at t | observations up to t). This is the only posterior that may reach a decision; the smoother's result
 * is another type ({@link SmoothedPosteriors}) that cannot stand in for it.
 */
export interface FilteredPosteriors {
  readonly conditioning: 'past'
  /** `[rows, K]`, rows sum to 1. */
  readonly probabilities: Float64Array
  /** log p(observations). */
  readonly logLikelihood: number
}

/** A chain over rows that are one hour apart. */
export interface HourlyChain {
  readonly states: number
  /** `[K]`, all positive. */
  readonly initial: Float64Array
  /** `[K, K]`, all positive. */
  readonly transition: Float64Array
}

/**
 * Prediction: p(state_t | past) = sum_i p(state_t-1 = i | past) A_ij.
 *
 * @param filtered `[.., K]`, read at `from`
 * @param transition `[.., K, K]`, read at `matrix`
 * @param predicted receives `[K]`
 */
export function predict(
  filtered: Float64Array,
  from: number,
  transition: Float64Array,
  matrix: number,
  states: number,
  predicted: Float64Array,
): void {
  predicted.fill(0)
  for (let i = 0; i < states; i++) {
    const weight = filtered[from + i]
    for (let j = 0; j < states; j++) predicted[j] += weight * transition[matrix + i * states + j]
  }
}

/**
 * Conditioning: p(state_t | past, x_t) is proportional to p(state_t | past) p(x_t | state_t), in log space with the
 * largest term taken out, so that densities far below the smallest double still compare.
 *
 * @param logDensities `[.., K]`, read at `at`
 * @param filtered receives K numbers at `to`
 * @returns log p(x_t | past)
 */
export function condition(
  predicted: Float64Array,
  logDensities: Float64Array,
  at: number,
  states: number,
  filtered: Float64Array,
  to: number,
): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let k = 0; k < states; k++) {
    const joint = Math.log(predicted[k]) + logDensities[at + k]
    filtered[to + k] = joint
    if (joint > largest) largest = joint
  }
  let sum = 0
  for (let k = 0; k < states; k++) {
    const weight = Math.exp(filtered[to + k] - largest)
    filtered[to + k] = weight
    sum += weight
  }
  for (let k = 0; k < states; k++) filtered[to + k] /= sum
  return largest + Math.log(sum)
}

/**
 * Forward filter (Rabiner 1989, equations 19-20, normalised at each step).
 *
 * @param logDensities log p(x_t | state), `[rows, K]`
 */
export function filterStates(chain: HourlyChain, logDensities: Float64Array, rows: number): FilteredPosteriors {
  const { states } = chain
  const probabilities = new Float64Array(rows * states)
  const predicted = Float64Array.from(chain.initial)
  let logLikelihood = 0
  for (let row = 0; row < rows; row++) {
    if (row > 0) predict(probabilities, (row - 1) * states, chain.transition, 0, states, predicted)
    logLikelihood += condition(predicted, logDensities, row * states, states, probabilities, row * states)
  }
  return { conditioning: 'past', probabilities, logLikelihood }
}
