import type { SufficientStatistics } from './expectation.ts'
import { flooredDistribution } from './floors.ts'
import { floorEigenvalues } from './linear-algebra.ts'
import { covarianceSize, type HmmParameters } from './parameters.ts'

/** Bounds inside which the likelihood is maximised; they are what keeps it bounded. */
export interface Floors {
  /** Smallest variance along any direction, in squared interquartile ranges. */
  readonly variance: number
  /** Smallest initial and transition probability. */
  readonly probability: number
}

/** A state that holds less than this many hours keeps its mean and covariance: there is nothing to learn them from. */
const SMALLEST_WEIGHT = 1e-3

/**
 * M-step (Rabiner 1989, equations 40 and 52-54): the parameters under which the expected statistics are most likely
 * among those within `floors`. Being the exact maximum of the bounded problem, it never lowers the likelihood.
 */
export function maximisation(
  parameters: HmmParameters,
  statistics: SufficientStatistics,
  floors: Floors,
): HmmParameters {
  const { states: K, dimensions: D, covarianceType } = parameters
  const { weight, first, second } = statistics
  const initial = new Float64Array(K)
  const transition = new Float64Array(K * K)
  const mean = Float64Array.from(parameters.mean)
  const covariance = Float64Array.from(parameters.covariance)
  flooredDistribution(statistics.initial, 0, K, floors.probability, initial)
  for (let i = 0; i < K; i++) flooredDistribution(statistics.transitions, i * K, K, floors.probability, transition)

  const width = covarianceSize(covarianceType, D)
  for (let k = 0; k < K; k++) {
    if (weight[k] < SMALLEST_WEIGHT) continue
    const shift = (d: number) => first[k * D + d] / weight[k]
    const scatter = (i: number, j: number) => second[(k * D + i) * D + j] / weight[k] - shift(i) * shift(j)
    const own = covariance.subarray(k * width, (k + 1) * width)
    for (let i = 0; i < D; i++) {
      if (covarianceType === 'diagonal') own[i] = Math.max(scatter(i, i), floors.variance)
      else for (let j = 0; j < D; j++) own[i * D + j] = (scatter(i, j) + scatter(j, i)) / 2
    }
    if (covarianceType === 'full') floorEigenvalues(own, D, floors.variance)
    for (let d = 0; d < D; d++) mean[k * D + d] += shift(d)
  }
  return { ...parameters, initial, transition, mean, covariance }
}
