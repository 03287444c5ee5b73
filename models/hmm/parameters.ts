import { z } from 'zod'

export const CovarianceType = z.enum(['full', 'diagonal'])
export type CovarianceType = z.infer<typeof CovarianceType>

/**
 * Parameters of a hidden Markov model with `K` states and Gaussian emissions in `D` dimensions
 * (Rabiner 1989, section II; notation of Murphy 2012, chapter 17). All arrays row-major.
 */
export interface HmmParameters {
  readonly states: number
  readonly dimensions: number
  readonly covarianceType: CovarianceType
  /** pi, `[K]`: distribution of the first state of a sequence. */
  readonly initial: Float64Array
  /** A, `[K, K]`: `transition[i * K + j]` is the probability of j one hour after i. */
  readonly transition: Float64Array
  /** mu, `[K, D]`. */
  readonly mean: Float64Array
  /** Sigma: `[K, D, D]` if full, the variances `[K, D]` if diagonal. */
  readonly covariance: Float64Array
}

/** Numbers in one state's covariance. */
export function covarianceSize(covarianceType: CovarianceType, dimensions: number): number {
  return covarianceType === 'full' ? dimensions * dimensions : dimensions
}

/** Parameters that are free to move: what the Bayesian information criterion charges for. */
export function freeParameters(states: number, dimensions: number, covarianceType: CovarianceType): number {
  const covariance = covarianceType === 'full' ? (dimensions * (dimensions + 1)) / 2 : dimensions
  return states - 1 + states * (states - 1) + states * (dimensions + covariance)
}

/** Bayesian information criterion (Schwarz 1978), smaller is better. */
export function bayesianInformationCriterion(logLikelihood: number, free: number, observations: number): number {
  return -2 * logLikelihood + free * Math.log(observations)
}

/** The same model with its states renumbered: new state `k` is old state `order[k]`. */
export function reorderStates(parameters: HmmParameters, order: readonly number[]): HmmParameters {
  const { states, dimensions, covarianceType } = parameters
  const rows = (values: Float64Array, width: number) => {
    const moved = new Float64Array(values.length)
    order.forEach((old, k) => {
      moved.set(values.subarray(old * width, (old + 1) * width), k * width)
    })
    return moved
  }
  const transition = new Float64Array(states * states)
  for (let i = 0; i < states; i++) {
    for (let j = 0; j < states; j++) {
      transition[i * states + j] = parameters.transition[order[i] * states + order[j]]
    }
  }
  return {
    ...parameters,
    initial: rows(parameters.initial, 1),
    transition,
    mean: rows(parameters.mean, dimensions),
    covariance: rows(parameters.covariance, covarianceSize(covarianceType, dimensions)),
  }
}
