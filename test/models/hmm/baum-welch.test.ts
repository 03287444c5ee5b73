import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRandom } from '#data/random.ts'
import { runBaumWelch } from '#models/hmm/baum-welch.ts'
import { flooredDistribution } from '#models/hmm/floors.ts'
import { initialParameters } from '#models/hmm/initialisation.ts'
import { floorEigenvalues } from '#models/hmm/linear-algebra.ts'
import { drawTwoStates } from './toy.ts'

const floors = { variance: 1e-3, probability: 1e-5 }
const options = { iterations: 50, tolerance: 1e-9, floors }

describe('Baum-Welch', () => {
  test.each([
    ['full', 0],
    ['full', 0.3],
    ['diagonal', 0],
    ['diagonal', 0.3],
  ] as const)('never lowers the likelihood (%s, %d missing)', async (covarianceType, missing) => {
    const sequences = [drawTwoStates(1, 300, missing), drawTwoStates(2, 150, missing)]
    const start = initialParameters(sequences, 3, 2, covarianceType, floors.variance, createRandom(3))
    const { logLikelihoods } = await runBaumWelch(start, sequences, { ...options, tolerance: -1 })
    expect(logLikelihoods.length).toBe(51)
    for (let i = 1; i < logLikelihoods.length; i++) {
      expect(logLikelihoods[i]).toBeGreaterThanOrEqual(logLikelihoods[i - 1] - 1e-8 * Math.abs(logLikelihoods[i]))
    }
  })

  test.each(['full', 'diagonal'] as const)('finds the parameters that drew the data (%s)', async (covarianceType) => {
    const sequences = [drawTwoStates(4, 3000, 0.2), drawTwoStates(5, 1000, 0.2)]
    const start = initialParameters(sequences, 2, 2, covarianceType, floors.variance, createRandom(6))
    const { parameters, converged } = await runBaumWelch(start, sequences, { ...options, tolerance: 1e-7 })
    expect(converged).toBe(true)
    const low = parameters.mean[0] < parameters.mean[2] ? 0 : 1
    const width = covarianceType === 'full' ? 4 : 2
    expect(parameters.mean[low * 2]).toBeCloseTo(-2, 0.5)
    expect(parameters.mean[(1 - low) * 2 + 1]).toBeCloseTo(2, 0.5)
    expect(parameters.transition[0]).toBeCloseTo(0.95, 1)
    expect(parameters.covariance[low * width]).toBeCloseTo(1, 0.5)
    expect(parameters.covariance[low * width + width - 1]).toBeCloseTo(0.25, 1)
  })

  test('keeps variances and probabilities above their floors where the data are degenerate', async () => {
    const rows = 400
    const values = new Float64Array(rows * 2)
    const random = createRandom(7)
    for (let row = 0; row < rows; row++) {
      // The second dimension repeats the first, and half of the rows are one and the same number.
      values[row * 2] = row % 2 === 0 ? 0 : random.normal()
      values[row * 2 + 1] = values[row * 2]
    }
    const sequences = [{ rows, values }]
    const start = initialParameters(sequences, 3, 2, 'full', floors.variance, random)
    const { parameters, logLikelihoods } = await runBaumWelch(start, sequences, options)
    for (let i = 1; i < logLikelihoods.length; i++) {
      expect(logLikelihoods[i]).toBeGreaterThanOrEqual(logLikelihoods[i - 1] - 1e-8 * Math.abs(logLikelihoods[i]))
    }
    for (const array of [parameters.mean, parameters.covariance, parameters.transition, parameters.initial]) {
      expect(array.every(Number.isFinite)).toBe(true)
    }
    expect(Math.min(...parameters.transition)).toBeGreaterThanOrEqual(floors.probability)
    for (let k = 0; k < 3; k++) {
      const [a, b, , d] = parameters.covariance.subarray(k * 4, k * 4 + 4)
      const smallest = (a + d) / 2 - Math.sqrt(((a - d) / 2) ** 2 + b * b)
      expect(smallest).toBeGreaterThanOrEqual(floors.variance * (1 - 1e-9))
    }
  })

  test('stops at the first gain that is too small for the number of rows', async () => {
    const sequences = [drawTwoStates(1, 900), drawTwoStates(2, 100)]
    const start = initialParameters(sequences, 3, 2, 'full', floors.variance, createRandom(3))
    const tolerance = 1e-4
    const { logLikelihoods, converged } = await runBaumWelch(start, sequences, { ...options, tolerance })
    expect(converged).toBe(true)
    const gains = logLikelihoods.slice(1).map((value, i) => value - logLikelihoods[i])
    expect(gains.at(-1)).toBeLessThan(tolerance * 1000)
    expect(Math.min(...gains.slice(0, -1))).toBeGreaterThanOrEqual(tolerance * 1000)
  })

  test('stops when its signal aborts', async () => {
    const sequences = [drawTwoStates(8, 500)]
    const start = initialParameters(sequences, 2, 2, 'full', floors.variance, createRandom(1))
    const controller = new AbortController()
    const run = runBaumWelch(start, sequences, { ...options, iterations: 1e6, tolerance: -1 }, controller.signal)
    setTimeout(() => controller.abort(new Error('enough')), 20)
    await expect(run).rejects.toThrow('enough')
  })
})

test('a start has no variance below the floor', () => {
  const values = Float64Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? 1 : i % 3))
  const { covariance } = initialParameters([{ rows: 100, values }], 2, 2, 'diagonal', 0.01, createRandom(1))
  expect(Math.min(...covariance)).toBe(0.01)
})

test('a floored distribution sums to one, keeps its floor and the order of its counts', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 8 }), (counts) => {
      const out = new Float64Array(counts.length)
      flooredDistribution(Float64Array.from(counts), 0, counts.length, 0.01, out)
      expect(out.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 10)
      expect(Math.min(...out)).toBeGreaterThanOrEqual(0.01)
      for (let i = 1; i < counts.length; i++) {
        if (counts[i] > counts[i - 1]) expect(out[i]).toBeGreaterThanOrEqual(out[i - 1] - 1e-12)
      }
    }),
  )
})

test('raising eigenvalues leaves a matrix alone whose eigenvalues are large enough, and else meets the floor', () => {
  const fine = Float64Array.of(2, 0.5, 0.5, 1)
  floorEigenvalues(fine, 2, 0.1)
  expect([...fine]).toEqual([2, 0.5, 0.5, 1])
  const singular = Float64Array.of(1, 1, 0, 1, 1, 0, 0, 0, 3)
  floorEigenvalues(singular, 3, 0.1)
  // Eigenvalues 2, 0 and 3; the eigenvector of 0 is (1, -1, 0) / sqrt 2.
  const expected = [1.05, 0.95, 0, 0.95, 1.05, 0, 0, 0, 3]
  expected.forEach((value, i) => {
    expect(singular[i]).toBeCloseTo(value, 12)
  })
})
