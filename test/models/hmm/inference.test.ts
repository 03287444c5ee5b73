import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { createRandom } from '#data/random.ts'
import { createEmission } from '#models/hmm/emission.ts'
import { type FilteredPosteriors, filterStates } from '#models/hmm/filter.ts'
import { type SmoothedPosteriors, smoothStates } from '#models/hmm/smoother.ts'
import { mostProbableStates } from '#models/hmm/viterbi.ts'
import { drawTwoStates, randomParameters } from './toy.ts'

/** Every path through `states` states of `rows` rows with its log joint probability: the definition, spelled out. */
function enumerate(parameters: ReturnType<typeof randomParameters>, logDensities: Float64Array, rows: number) {
  const K = parameters.states
  return Array.from({ length: K ** rows }, (_, code) => {
    const path = Array.from({ length: rows }, (_, row) => Math.floor(code / K ** row) % K)
    let log = Math.log(parameters.initial[path[0]])
    path.forEach((state, row) => {
      if (row > 0) log += Math.log(parameters.transition[path[row - 1] * K + state])
      log += logDensities[row * K + state]
    })
    return { path, log }
  })
}

function randomDensities(seed: number, rows: number, states: number): Float64Array {
  const random = createRandom(seed)
  return Float64Array.from({ length: rows * states }, () => 3 * random.normal())
}

describe('inference agrees with the sum over all paths', () => {
  const rows = 5
  const K = 3
  const parameters = randomParameters(1, K, 1, 'full')
  const logDensities = randomDensities(2, rows, K)
  const paths = enumerate(parameters, logDensities, rows)
  const total = paths.reduce((sum, { log }) => sum + Math.exp(log), 0)

  test('the likelihood', () => {
    expect(filterStates(parameters, logDensities, rows).logLikelihood).toBeCloseTo(Math.log(total), 10)
  })

  test('the filter at each row is the posterior given the rows so far', () => {
    const filtered = filterStates(parameters, logDensities, rows).probabilities
    for (let row = 0; row < rows; row++) {
      const shorter = enumerate(parameters, logDensities, row + 1)
      const evidence = shorter.reduce((sum, { log }) => sum + Math.exp(log), 0)
      for (let k = 0; k < K; k++) {
        const share = shorter.filter(({ path }) => path[row] === k).reduce((sum, { log }) => sum + Math.exp(log), 0)
        expect(filtered[row * K + k]).toBeCloseTo(share / evidence, 10)
      }
    }
  })

  test('the smoother and the expected transitions', () => {
    const { probabilities, expectedTransitions } = smoothStates(parameters, logDensities, rows)
    for (let k = 0; k < K; k++) {
      for (let row = 0; row < rows; row++) {
        const share = paths.filter(({ path }) => path[row] === k).reduce((sum, { log }) => sum + Math.exp(log), 0)
        expect(probabilities[row * K + k]).toBeCloseTo(share / total, 10)
      }
      for (let j = 0; j < K; j++) {
        const expected = paths.reduce((sum, { path, log }) => {
          const moves = path.filter((state, row) => row > 0 && path[row - 1] === k && state === j).length
          return sum + moves * Math.exp(log)
        }, 0)
        expect(expectedTransitions[k * K + j]).toBeCloseTo(expected / total, 10)
      }
    }
  })

  test('Viterbi finds the most probable path', () => {
    const best = paths.reduce((a, b) => (b.log > a.log ? b : a))
    expect([...mostProbableStates(parameters, logDensities, rows)]).toEqual(best.path)
  })
})

describe('the filter', () => {
  test('never changes its past when rows are appended', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 40 }), (seed, known) => {
        const parameters = randomParameters(seed, 3, 1, 'full')
        const densities = randomDensities(seed, 60, 3)
        const longer = filterStates(parameters, densities, 60).probabilities
        const shorter = filterStates(parameters, densities, known).probabilities
        expect([...longer.subarray(0, known * 3)]).toEqual([...shorter])
      }),
      { numRuns: 30 },
    )
  })

  test('has a result that the smoother cannot stand in for', () => {
    expectTypeOf<SmoothedPosteriors>().not.toExtend<FilteredPosteriors>()
    expectTypeOf<FilteredPosteriors>().not.toExtend<SmoothedPosteriors>()
  })

  test('stays finite over 10,000 rows, with densities below the smallest double', () => {
    const rows = 10_000
    const parameters = randomParameters(4, 4, 1, 'full')
    const random = createRandom(5)
    const densities = Float64Array.from({ length: rows * 4 }, () => -5000 * random.uniform() - 2000)
    const filtered = filterStates(parameters, densities, rows)
    const smoothed = smoothStates(parameters, densities, rows)
    expect(Number.isFinite(filtered.logLikelihood)).toBe(true)
    expect(filtered.probabilities.every(Number.isFinite)).toBe(true)
    expect(smoothed.probabilities.every(Number.isFinite)).toBe(true)
    expect(smoothed.expectedTransitions.every(Number.isFinite)).toBe(true)
  })

  test('recovers from a state that looked impossible', () => {
    const parameters = {
      ...randomParameters(1, 2, 1, 'full'),
      transition: Float64Array.of(1 - 1e-5, 1e-5, 1e-5, 1 - 1e-5),
    }
    const densities = Float64Array.of(0, -1e4, 0, -1e4, -1e4, 0)
    const { probabilities } = filterStates(parameters, densities, 3)
    expect(probabilities[3]).toBe(0)
    expect(probabilities[5]).toBeCloseTo(1, 6)
  })
})

describe('the emissions', () => {
  test.each(['full', 'diagonal'] as const)('integrate missing values out (%s)', (covarianceType) => {
    const parameters = randomParameters(6, 1, 2, covarianceType)
    const emission = createEmission(parameters)
    const out = new Float64Array(1)
    emission.logDensities(Float64Array.of(0.3, Number.NaN), 1, out)
    const marginal = out[0]
    // The integral over the missing value, summed finely.
    let integral = 0
    const step = 0.01
    for (let y = -30; y < 30; y += step) {
      emission.logDensities(Float64Array.of(0.3, y), 1, out)
      integral += Math.exp(out[0]) * step
    }
    expect(marginal).toBeCloseTo(Math.log(integral), 6)
  })

  test('say nothing of a row without any value', () => {
    const out = new Float64Array(3)
    createEmission(randomParameters(7, 3, 2, 'full')).logDensities(Float64Array.of(Number.NaN, Number.NaN), 1, out)
    expect(Math.abs(out[0]) + Math.abs(out[1]) + Math.abs(out[2])).toBe(0)
  })

  test('stay finite for a covariance that is singular', () => {
    const out = new Float64Array(1)
    const singular = { ...randomParameters(8, 1, 2, 'full'), covariance: Float64Array.of(1, 1, 1, 1) }
    createEmission(singular).logDensities(Float64Array.of(0.1, 0.4), 1, out)
    expect(Number.isFinite(out[0])).toBe(true)
  })
})

test('the states of a clear two-state market are found by Viterbi', () => {
  const drawn = drawTwoStates(9, 500)
  const parameters = {
    ...randomParameters(1, 2, 2, 'diagonal'),
    transition: Float64Array.of(0.95, 0.05, 0.05, 0.95),
    mean: Float64Array.of(-2, -2, 2, 2),
    covariance: Float64Array.of(1, 0.25, 1, 0.25),
  }
  const densities = new Float64Array(drawn.rows * 2)
  createEmission(parameters).logDensities(drawn.values, drawn.rows, densities)
  expect(mostProbableStates(parameters, densities, drawn.rows)).toEqual(drawn.states)
})
