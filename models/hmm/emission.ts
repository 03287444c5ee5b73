import { choleskyInPlace, invertLowerTriangle } from './linear-algebra.ts'
import type { HmmParameters } from './parameters.ts'

const LOG_TWO_PI = Math.log(2 * Math.PI)

/**
 * What the densities of rows with one pattern of missing values share.
 * `O` observed dimensions, `K` states.
 */
export interface PatternFactors {
  /** Indices of the observed dimensions, `[O]`. */
  readonly observed: readonly number[]
  /** Indices of the missing ones. */
  readonly missing: readonly number[]
  /** W with W^T W = (Sigma_oo)^-1, lower triangular, `[K, O, O]`. */
  readonly whitening: Float64Array
  /** -(O log 2 pi + log |Sigma_oo|) / 2, `[K]`. */
  readonly logNormaliser: Float64Array
}

/** The missing-value pattern of a row as bits: bit d is set where dimension d is observed. */
export function observedBits(values: Float64Array, row: number, dimensions: number): number {
  let bits = 0
  for (let d = 0; d < dimensions; d++) if (!Number.isNaN(values[row * dimensions + d])) bits |= 1 << d
  return bits
}

function factorise(parameters: HmmParameters, bits: number): PatternFactors {
  const { states, dimensions, covarianceType, covariance } = parameters
  const observed: number[] = []
  const missing: number[] = []
  for (let d = 0; d < dimensions; d++) ((bits >> d) & 1 ? observed : missing).push(d)
  const size = observed.length
  const whitening = new Float64Array(states * size * size)
  const logNormaliser = new Float64Array(states)
  for (let k = 0; k < states; k++) {
    const factor = new Float64Array(size * size)
    for (let i = 0; i < size; i++) {
      if (covarianceType === 'diagonal') {
        factor[i * size + i] = covariance[k * dimensions + observed[i]]
        continue
      }
      for (let j = 0; j <= i; j++) {
        factor[i * size + j] = covariance[(k * dimensions + observed[i]) * dimensions + observed[j]]
      }
    }
    choleskyInPlace(factor, size)
    let logDeterminant = 0
    for (let i = 0; i < size; i++) logDeterminant += 2 * Math.log(factor[i * size + i])
    whitening.set(invertLowerTriangle(factor, size), k * size * size)
    logNormaliser[k] = -0.5 * (size * LOG_TWO_PI + logDeterminant)
  }
  return { observed, missing, whitening, logNormaliser }
}

/** Log densities of Gaussian emissions under fixed parameters. */
export interface Emission {
  /** The factors of rows with these observed dimensions, computed once per pattern. */
  factors(bits: number): PatternFactors
  /**
   * log N(x_o; mu_o, Sigma_oo) of each row under each state, over the observed dimensions o only: missing values
   * (`NaN`) are integrated out, and a row with none observed has log density 0 under every state.
   *
   * @param values `[rows, D]`
   * @param out receives `[rows, K]`
   */
  logDensities(values: Float64Array, rows: number, out: Float64Array): void
}

/** Prepares the emissions of `parameters`; `D` is at most 30 (the pattern is kept in the bits of a number). */
export function createEmission(parameters: HmmParameters): Emission {
  const { states, dimensions, mean } = parameters
  const cache = new Map<number, PatternFactors>()
  const residual = new Float64Array(dimensions)
  const factors = (bits: number) => {
    let found = cache.get(bits)
    if (!found) {
      found = factorise(parameters, bits)
      cache.set(bits, found)
    }
    return found
  }
  return {
    factors,
    logDensities(values, rows, out) {
      for (let row = 0; row < rows; row++) {
        const { observed, whitening, logNormaliser } = factors(observedBits(values, row, dimensions))
        const size = observed.length
        for (let k = 0; k < states; k++) {
          for (let i = 0; i < size; i++) {
            residual[i] = values[row * dimensions + observed[i]] - mean[k * dimensions + observed[i]]
          }
          let distance = 0
          let w = k * size * size
          for (let i = 0; i < size; i++, w += size) {
            let white = 0
            for (let j = 0; j <= i; j++) white += whitening[w + j] * residual[j]
            distance += white * white
          }
          out[row * states + k] = logNormaliser[k] - 0.5 * distance
        }
      }
    },
  }
}
