import { describe, expect, test } from 'vitest'
import { runBaumWelch } from '#models/hmm/baum-welch.ts'
import type { HourlySequence } from '#models/hmm/expectation.ts'
import { filterStates } from '#models/hmm/filter.ts'
import type { Floors } from '#models/hmm/maximisation.ts'
import { covarianceSize, type HmmParameters } from '#models/hmm/parameters.ts'
import { smoothStates } from '#models/hmm/smoother.ts'
import { mostProbableStates } from '#models/hmm/viterbi.ts'
import { maxAbsDifference } from '#models/onnx/parity.ts'
import {
  densitiesOf,
  expectTrajectory,
  NAMES,
  NEAR,
  NO_FLOORS,
  parametersOf,
  readCases,
  type Shape,
  trajectory,
} from './peer.ts'

interface Case extends Shape {
  readonly what: string
  /** Who says so: hmmlearn itself, or the float64 reference of the script where hmmlearn has no say. */
  readonly peer: 'hmmlearn' | 'numpy'
  readonly floors: Floors
  /** Row-major; null where missing. */
  readonly sequences: readonly (number | null)[][]
  readonly posteriors: readonly {
    readonly logLikelihood: number
    readonly filtered: readonly number[]
    readonly smoothed: readonly number[]
    readonly expectedTransitions: readonly number[]
    readonly path: readonly number[]
  }[]
}

const cases = readCases<Case>('hmmlearn')

function sequencesOf({ sequences, dimensions }: Case): HourlySequence[] {
  return sequences.map((values) => ({
    rows: values.length / dimensions,
    values: Float64Array.from(values, (value) => value ?? Number.NaN),
  }))
}

/** log p(path, observations). */
function logJoint({ states: K, initial, transition }: HmmParameters, densities: Float64Array, path: readonly number[]) {
  return path.reduce((sum, state, row) => {
    const move = row === 0 ? initial[state] : transition[path[row - 1] * K + state]
    return sum + Math.log(move) + densities[row * K + state]
  }, 0)
}

describe.each(cases)('the HMM says what $peer says: $what ($covarianceType)', (one) => {
  const parameters = parametersOf(one)
  const sequences = sequencesOf(one)
  const densities = sequences.map((sequence) => densitiesOf(parameters, sequence))

  test('of the likelihood and the filter', () => {
    one.posteriors.forEach((expected, s) => {
      const { logLikelihood, probabilities } = filterStates(parameters, densities[s], sequences[s].rows)
      expect(Math.abs(logLikelihood - expected.logLikelihood)).toBeLessThan(NEAR)
      expect(maxAbsDifference(probabilities, expected.filtered)).toBeLessThan(NEAR)
    })
  })

  test('of the smoother and the expected transitions', () => {
    one.posteriors.forEach((expected, s) => {
      const { probabilities, expectedTransitions } = smoothStates(parameters, densities[s], sequences[s].rows)
      expect(maxAbsDifference(probabilities, expected.smoothed)).toBeLessThan(NEAR)
      expect(maxAbsDifference(expectedTransitions, expected.expectedTransitions)).toBeLessThan(NEAR)
    })
  })

  test('of the most probable states', () => {
    one.posteriors.forEach(({ path }, s) => {
      const found = [...mostProbableStates(parameters, densities[s], sequences[s].rows)]
      expect(
        Math.abs(logJoint(parameters, densities[s], found) - logJoint(parameters, densities[s], path)),
      ).toBeLessThan(1e-9)
      // Rows that are alike can swap their states at the same probability: rounding then picks the path.
      if (!one.what.startsWith('duplicates')) expect(found).toEqual(path)
    })
  })

  test('of the parameters and the likelihood after each of its steps of expectation maximisation', async () => {
    expect(one.iterations.length).toBeGreaterThanOrEqual(10)
    expectTrajectory(await trajectory(parameters, sequences, one.iterations.length, one.floors), one)
  })

  test('of all steps in one run', async () => {
    const options = { iterations: one.iterations.length, tolerance: Number.NEGATIVE_INFINITY, floors: one.floors }
    const { logLikelihoods, parameters: learnt } = await runBaumWelch(parameters, sequences, options)
    const expected = one.iterations.map(({ logLikelihoodBefore }) => logLikelihoodBefore)
    expect(maxAbsDifference(logLikelihoods, [...expected, one.lastLogLikelihood])).toBeLessThan(NEAR)
    for (const name of NAMES) {
      expect(maxAbsDifference(learnt[name], one.iterations.at(-1)![name]), name).toBeLessThan(NEAR)
    }
  })
})

test('hmmlearn itself speaks of several sequences, diagonal and full, and of channels that nearly repeat each other', () => {
  const asked = cases.filter(({ peer }) => peer === 'hmmlearn')
  expect(new Set(asked.map(({ covarianceType }) => covarianceType))).toEqual(new Set(['diagonal', 'full']))
  expect(asked.map(({ what }) => what)).toContain('nearly collinear channels')
})

describe('floors', () => {
  test.each(cases.filter(({ floors }) => floors.variance > 0))(
    'are reached and kept: $what ($covarianceType)',
    (one) => {
      const width = covarianceSize(one.covarianceType, one.dimensions)
      let smallest = Number.POSITIVE_INFINITY
      for (let k = 0; k < one.states; k++) {
        const [a, b, , d] = one.iterations.at(-1)!.covariance.slice(k * width, (k + 1) * width)
        const lowest = width === 2 ? Math.min(a, b) : (a + d) / 2 - Math.hypot((a - d) / 2, b)
        smallest = Math.min(smallest, lowest)
      }
      // The fixture must meet the floor, or the comparison above says nothing of it.
      expect(Math.abs(smallest / one.floors.variance - 1)).toBeLessThan(1e-5)
    },
  )
})

describe('a state that dies', () => {
  const one = cases[0]

  /** `parameters` with one more state far away from all data, which is next to never entered. */
  function withDeadState(parameters: HmmParameters, entry: number): HmmParameters {
    const { states: K, dimensions: D } = parameters
    const rows = Array.from({ length: K }, (_, i) => [...parameters.transition.subarray(i * K, (i + 1) * K), entry])
    const identity = Array.from({ length: D * D }, (_, i) => (i % (D + 1) === 0 ? 1 : 0))
    return {
      ...parameters,
      states: K + 1,
      initial: Float64Array.of(...parameters.initial, entry),
      transition: Float64Array.from([...rows, Array.from({ length: K + 1 }, () => 1 / (K + 1))].flat()),
      mean: Float64Array.of(...parameters.mean, ...Array.from({ length: D }, () => 1e3)),
      covariance: Float64Array.of(...parameters.covariance, ...identity),
    }
  }

  test('leaves the others to learn what hmmlearn learns without it', async () => {
    const { states: K } = one
    const start = withDeadState(parametersOf(one), 1e-300)
    const { steps, logLikelihoods } = await trajectory(start, sequencesOf(one), one.iterations.length, NO_FLOORS)
    const survivors = steps.map((after) => ({
      ...after,
      initial: after.initial.slice(0, K),
      transition: after.transition.filter((_, at) => at % (K + 1) < K && at < K * (K + 1)),
      mean: after.mean.slice(0, one.before.mean.length),
      covariance: after.covariance.slice(0, one.before.covariance.length),
    }))
    expectTrajectory({ steps: survivors, logLikelihoods }, one)
    // There is nothing to learn it from: it stays where it was, and nothing says where it would go.
    expect([...steps.at(-1)!.mean.subarray(one.before.mean.length)]).toEqual([1e3, 1e3])
    expect([...steps.at(-1)!.transition.subarray(K * (K + 1))]).toEqual([0.25, 0.25, 0.25, 0.25])
  })

  test('stays within reach of the others where the floor says so', async () => {
    const floors = { variance: 1e-3, probability: 1e-5 }
    const { steps, logLikelihoods } = await trajectory(
      withDeadState(parametersOf(one), 0.01),
      sequencesOf(one),
      12,
      floors,
    )
    for (const after of steps) {
      for (const name of NAMES) expect(after[name].every(Number.isFinite), name).toBe(true)
      expect(Math.min(...after.transition)).toBeGreaterThanOrEqual(floors.probability)
    }
    expect(logLikelihoods.every(Number.isFinite)).toBe(true)
  })
})
