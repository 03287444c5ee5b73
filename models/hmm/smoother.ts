import { type FilteredPosteriors, filterStates, type HourlyChain } from './filter.ts'

/**
 * P(state at t | all observations, later ones too). For learning parameters only: its type cannot be given where
 * {@link FilteredPosteriors} are asked for.
 */
export interface SmoothedPosteriors {
  readonly conditioning: 'past and future'
  /** `[rows, K]`, rows sum to 1. */
  readonly probabilities: Float64Array
  /** Expected number of transitions i -> j over the sequence, `[K, K]`. */
  readonly expectedTransitions: Float64Array
  readonly logLikelihood: number
}

/**
 * Forward-backward smoother (Rabiner 1989, equations 24-27 and 37), the backward recursion in log space with the
 * largest term taken out at each step.
 *
 * @param logDensities log p(x_t | state), `[rows, K]`
 */
export function smoothStates(chain: HourlyChain, logDensities: Float64Array, rows: number): SmoothedPosteriors {
  const filtered: FilteredPosteriors = filterStates(chain, logDensities, rows)
  const { states, transition } = chain
  const probabilities = Float64Array.from(filtered.probabilities)
  const expectedTransitions = new Float64Array(states * states)
  // log p(x_t+1 ... x_T | state_t) up to a constant; 0 after the last row.
  const logBackward = new Float64Array(states)
  const ahead = new Float64Array(states)
  const backward = new Float64Array(states)

  for (let row = rows - 2; row >= 0; row--) {
    const now = row * states
    let largest = Number.NEGATIVE_INFINITY
    for (let j = 0; j < states; j++) {
      ahead[j] = logDensities[now + states + j] + logBackward[j]
      if (ahead[j] > largest) largest = ahead[j]
    }
    for (let j = 0; j < states; j++) ahead[j] = Math.exp(ahead[j] - largest)
    let evidence = 0
    for (let i = 0; i < states; i++) {
      let sum = 0
      for (let j = 0; j < states; j++) sum += transition[i * states + j] * ahead[j]
      backward[i] = sum
      logBackward[i] = Math.log(sum)
      evidence += filtered.probabilities[now + i] * sum
    }
    for (let i = 0; i < states; i++) {
      const weight = filtered.probabilities[now + i] / evidence
      probabilities[now + i] = weight * backward[i]
      for (let j = 0; j < states; j++) {
        expectedTransitions[i * states + j] += weight * transition[i * states + j] * ahead[j]
      }
    }
  }
  return { conditioning: 'past and future', probabilities, expectedTransitions, logLikelihood: filtered.logLikelihood }
}
