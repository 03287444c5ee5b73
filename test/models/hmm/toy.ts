import { createRandom } from '#data/random.ts'
import type { HourlySequence } from '#models/hmm/expectation.ts'
import type { CovarianceType, HmmParameters } from '#models/hmm/parameters.ts'
import type { HmmRegimeModel } from '#models/hmm/regime-model.ts'

/** Random but lawful parameters. */
export function randomParameters(
  seed: number,
  states: number,
  dimensions: number,
  covarianceType: CovarianceType,
): HmmParameters {
  const random = createRandom(seed)
  const distribution = () => {
    const weights = Array.from({ length: states }, () => 0.05 + random.uniform())
    const sum = weights.reduce((total, weight) => total + weight, 0)
    return weights.map((weight) => weight / sum)
  }
  const covariance = () => {
    if (covarianceType === 'diagonal') return Array.from({ length: dimensions }, () => 0.2 + random.uniform())
    const root = Array.from({ length: dimensions * dimensions }, () => random.normal() * 0.6)
    return root.map((_, at) => {
      const i = Math.floor(at / dimensions)
      const j = at % dimensions
      let sum = i === j ? 0.2 : 0
      for (let k = 0; k < dimensions; k++) sum += root[i * dimensions + k] * root[j * dimensions + k]
      return sum
    })
  }
  return {
    states,
    dimensions,
    covarianceType,
    initial: Float64Array.from(distribution()),
    transition: Float64Array.from(Array.from({ length: states }, distribution).flat()),
    mean: Float64Array.from({ length: states * dimensions }, () => 2 * random.normal()),
    covariance: Float64Array.from(Array.from({ length: states }, covariance).flat()),
  }
}

/** A sequence drawn from a two-state chain with well separated diagonal emissions, and the states it went through. */
export function drawTwoStates(seed: number, rows: number, missing = 0): HourlySequence & { states: Uint8Array } {
  const random = createRandom(seed)
  const values = new Float64Array(rows * 2)
  const states = new Uint8Array(rows)
  let state = 0
  for (let row = 0; row < rows; row++) {
    if (random.uniform() < 0.05) state = 1 - state
    states[row] = state
    for (let d = 0; d < 2; d++) {
      const value = (state === 0 ? -2 : 2) + random.normal() * (d === 0 ? 1 : 0.5)
      values[row * 2 + d] = random.uniform() < missing ? Number.NaN : value
    }
  }
  return { rows, values, states }
}

/** A checkpoint with random parameters, observing every form there is. */
export function randomHmm(seed: number, covarianceType: CovarianceType, states = 4): HmmRegimeModel {
  const parameters = randomParameters(seed, states, 4, covarianceType)
  const random = createRandom(seed + 1000)
  const contingency = Array.from({ length: states }, () => {
    const weights = [random.uniform(), random.uniform(), random.uniform()]
    return weights.map((weight) => weight / (weights[0] + weights[1] + weights[2]))
  }).flat()
  return {
    kind: 'hmm',
    channels: ['return', 'return12', 'volatility', 'range'],
    knots: 12,
    observations: [
      { form: 'magnitude', channel: 'return12' },
      { form: 'along', channel: 'return', direction: 'return12' },
      { form: 'level', channel: 'range' },
      { form: 'level', channel: 'volatility' },
    ],
    scaling: {
      channels: ['|return12|', 'return along return12', 'range', 'volatility'],
      median: [0.7, 0.1, -0.2, 0],
      iqr: [0.5, 1.3, 0.8, 1],
    },
    states,
    covarianceType,
    initial: [...parameters.initial],
    transition: [...parameters.transition],
    mean: [...parameters.mean],
    covariance: [...parameters.covariance],
    contingency,
    selection: [],
  }
}
