import { createEmission, observedBits, type PatternFactors } from './emission.ts'
import type { HmmParameters } from './parameters.ts'
import { smoothStates } from './smoother.ts'

/** Consecutive hours of one coin, `[rows, D]` row-major, `NaN` where missing. */
export interface HourlySequence {
  readonly rows: number
  readonly values: Float64Array
}

/** Expected sufficient statistics of all sequences; residuals are taken from the present means. */
export interface SufficientStatistics {
  readonly logLikelihood: number
  /** Expected first states, `[K]`. */
  readonly initial: Float64Array
  /** Expected transitions, `[K, K]`. */
  readonly transitions: Float64Array
  /** Expected hours in each state, `[K]`. */
  readonly weight: Float64Array
  /** Sum of weighted residuals, `[K, D]`. */
  readonly first: Float64Array
  /** Sum of weighted outer products of residuals, `[K, D, D]`. */
  readonly second: Float64Array
}

/** What a missing value is expected to be, given the observed ones, under each state. */
interface Imputation {
  /** Sigma_mo Sigma_oo^-1, `[K, M, O]`: the residual of a missing dimension from those observed. */
  readonly regression: Float64Array
  /** Sigma_mm - Sigma_mo Sigma_oo^-1 Sigma_om, `[K, M, M]`: what stays uncertain. */
  readonly conditional: Float64Array
}

/** Conditional moments of the missing dimensions (Murphy 2012, equation 4.69). */
function prepareImputation(parameters: HmmParameters, factors: PatternFactors): Imputation {
  const { states, dimensions: D, covarianceType, covariance } = parameters
  const { observed, missing, whitening } = factors
  const O = observed.length
  const M = missing.length
  const regression = new Float64Array(states * M * O)
  const conditional = new Float64Array(states * M * M)
  for (let k = 0; k < states; k++) {
    if (covarianceType === 'diagonal') {
      for (let m = 0; m < M; m++) conditional[(k * M + m) * M + m] = covariance[k * D + missing[m]]
      continue
    }
    const sigma = (i: number, j: number) => covariance[(k * D + i) * D + j]
    const w = k * O * O
    for (let m = 0; m < M; m++) {
      const r = (k * M + m) * O
      for (let i = 0; i < O; i++) {
        let projected = 0
        for (let j = 0; j <= i; j++) projected += whitening[w + i * O + j] * sigma(missing[m], observed[j])
        for (let j = 0; j <= i; j++) regression[r + j] += projected * whitening[w + i * O + j]
      }
      for (let n = 0; n < M; n++) {
        let explained = 0
        for (let o = 0; o < O; o++) explained += regression[r + o] * sigma(observed[o], missing[n])
        conditional[(k * M + m) * M + n] = sigma(missing[m], missing[n]) - explained
      }
    }
  }
  return { regression, conditional }
}

/**
 * E-step (Rabiner 1989, section III.C; missing values as in Ghahramani and Jordan 1994): smooths every sequence
 * under the present parameters and adds up what the M-step needs.
 */
export function expectation(parameters: HmmParameters, sequences: readonly HourlySequence[]): SufficientStatistics {
  const { states: K, dimensions: D, mean } = parameters
  const emission = createEmission(parameters)
  const imputations = new Map<number, Imputation>()
  const longest = sequences.reduce((rows, sequence) => Math.max(rows, sequence.rows), 0)
  const logDensities = new Float64Array(longest * K)
  const residual = new Float64Array(D)
  const initial = new Float64Array(K)
  const transitions = new Float64Array(K * K)
  const weight = new Float64Array(K)
  const first = new Float64Array(K * D)
  const second = new Float64Array(K * D * D)
  let logLikelihood = 0

  for (const { rows, values } of sequences) {
    if (rows === 0) continue
    emission.logDensities(values, rows, logDensities)
    const smoothed = smoothStates(parameters, logDensities, rows)
    logLikelihood += smoothed.logLikelihood
    for (let k = 0; k < K; k++) initial[k] += smoothed.probabilities[k]
    for (let i = 0; i < K * K; i++) transitions[i] += smoothed.expectedTransitions[i]

    for (let row = 0; row < rows; row++) {
      const bits = observedBits(values, row, D)
      const factors = emission.factors(bits)
      const { observed, missing } = factors
      let imputation = imputations.get(bits)
      if (!imputation && missing.length > 0) {
        imputation = prepareImputation(parameters, factors)
        imputations.set(bits, imputation)
      }
      const O = observed.length
      const M = missing.length
      for (let k = 0; k < K; k++) {
        const share = smoothed.probabilities[row * K + k]
        weight[k] += share
        for (const d of observed) residual[d] = values[row * D + d] - mean[k * D + d]
        if (imputation) {
          for (let m = 0; m < M; m++) {
            let expected = 0
            for (let o = 0; o < O; o++) expected += imputation.regression[(k * M + m) * O + o] * residual[observed[o]]
            residual[missing[m]] = expected
            for (let n = 0; n < M; n++) {
              second[(k * D + missing[m]) * D + missing[n]] += share * imputation.conditional[(k * M + m) * M + n]
            }
          }
        }
        for (let i = 0; i < D; i++) {
          const weighted = share * residual[i]
          first[k * D + i] += weighted
          for (let j = 0; j < D; j++) second[(k * D + i) * D + j] += weighted * residual[j]
        }
      }
    }
  }
  return { logLikelihood, initial, transitions, weight, first, second }
}
