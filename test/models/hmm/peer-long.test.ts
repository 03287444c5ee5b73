import { beforeAll, describe, expect, test } from 'vitest'
import { runBaumWelch } from '#models/hmm/baum-welch.ts'
import type { HourlySequence } from '#models/hmm/expectation.ts'
import { filterStates } from '#models/hmm/filter.ts'
import { smoothStates } from '#models/hmm/smoother.ts'
import { mostProbableStates } from '#models/hmm/viterbi.ts'
import { maxAbsDifference } from '#models/onnx/parity.ts'
import {
  densitiesOf,
  NAMES,
  NEAR,
  NEAR_RELATIVE,
  NO_FLOORS,
  parametersOf,
  readCases,
  type Shape,
  trajectory,
} from './peer.ts'

interface LongCase extends Shape {
  readonly seed: number
  readonly rows: number
  /** Sums of the channels: that both sides drew the same rows. */
  readonly sums: readonly number[]
  readonly logLikelihood: number
  /** Sum of (row + 1) / rows times the posterior, by state. */
  readonly filteredSums: readonly number[]
  readonly smoothedSums: readonly number[]
  readonly filteredEvery500: readonly number[]
  readonly smoothedEvery500: readonly number[]
  readonly expectedTransitions: readonly number[]
  readonly rowsInState: readonly number[]
  readonly moves: number
  readonly placesOfStates: readonly number[]
}

/** Lehmer's generator with Park and Miller's modulus, as in `test/peers/hmm.py`. */
function uniforms(seed: number): () => number {
  let value = seed
  return () => {
    value = (48271 * value) % 2147483647
    return value / 2147483647
  }
}

/** The same doubles as `long_sequence` of `test/peers/hmm.py`. */
function longSequence(seed: number, rows: number): HourlySequence {
  const next = uniforms(seed)
  const normal = () => {
    let sum = 0
    for (let i = 0; i < 12; i++) sum += next()
    return sum - 6
  }
  const values = new Float64Array(rows * 2)
  let state = 0
  for (let row = 0; row < rows; row++) {
    if (next() < 0.03) state = (state + 1 + Math.floor(next() * 2)) % 3
    const far = row % 997 === 996 ? 40 : 1
    values[row * 2] = (state - 1) * 1.5 + far * normal()
    values[row * 2 + 1] = 0.5 * values[row * 2] + (0.4 + 0.6 * state) * normal()
  }
  return { rows, values }
}

const cases = readCases<LongCase>('long')

describe.each(cases)('over $rows hours the HMM says what hmmlearn says ($covarianceType)', (one) => {
  const { rows, states } = one
  const parameters = parametersOf(one)
  let sequence: HourlySequence
  let densities: Float64Array
  beforeAll(() => {
    sequence = longSequence(one.seed, rows)
    densities = densitiesOf(parameters, sequence)
  })

  /** Sum of (row + 1) / rows times the column, for each column. */
  function weightedSums(table: Float64Array): number[] {
    const sums = new Array<number>(states).fill(0)
    table.forEach((value, at) => {
      sums[at % states] += ((Math.floor(at / states) + 1) * value) / rows
    })
    return sums
  }
  const expectSums = (found: ArrayLike<number>, expected: readonly number[]) =>
    expected.forEach((value, i) => {
      expect(Math.abs(found[i] / value - 1)).toBeLessThan(NEAR_RELATIVE)
    })
  const every500 = (table: Float64Array) => table.filter((_, at) => Math.floor(at / states) % 500 === 0)

  test('of the same rows', () => {
    const sums = [0, 1].map((d) => sequence.values.filter((_, at) => at % 2 === d).reduce((sum, x) => sum + x, 0))
    expect(maxAbsDifference(sums, one.sums)).toBeLessThan(NEAR)
    // Some lie so far out that every density is below the smallest double.
    const largest = Array.from({ length: rows }, (_, row) =>
      Math.max(...densities.subarray(row * states, (row + 1) * states)),
    )
    expect(Math.exp(Math.min(...largest))).toBe(0)
  })

  test('of the likelihood and the filter', () => {
    const { logLikelihood, probabilities } = filterStates(parameters, densities, rows)
    expectSums([logLikelihood], [one.logLikelihood])
    expect(maxAbsDifference(every500(probabilities), one.filteredEvery500)).toBeLessThan(NEAR)
    expectSums(weightedSums(probabilities), one.filteredSums)
  })

  test('of the smoother and the expected transitions', () => {
    const { probabilities, expectedTransitions } = smoothStates(parameters, densities, rows)
    expect(maxAbsDifference(every500(probabilities), one.smoothedEvery500)).toBeLessThan(NEAR)
    expectSums(weightedSums(probabilities), one.smoothedSums)
    expectSums(expectedTransitions, one.expectedTransitions)
  })

  test('of the most probable states', () => {
    const path = [...mostProbableStates(parameters, densities, rows)]
    expect(path.filter((state, row) => row > 0 && state !== path[row - 1]).length).toBe(one.moves)
    const inState = (k: number) => path.flatMap((state, row) => (state === k ? [row] : []))
    for (let k = 0; k < states; k++) {
      expect(inState(k).length).toBe(one.rowsInState[k])
      expect(inState(k).reduce((sum, row) => sum + row, 0)).toBe(one.placesOfStates[k])
    }
  })

  test('of every step of expectation maximisation', async () => {
    const { steps, logLikelihoods } = await trajectory(parameters, [sequence], one.iterations.length, NO_FLOORS)
    const expected = one.iterations.map(({ logLikelihoodBefore }) => logLikelihoodBefore)
    expectSums(logLikelihoods, [...expected, one.lastLogLikelihood])
    one.iterations.forEach((after, i) => {
      for (const name of NAMES) {
        expect(maxAbsDifference(steps[i][name], after[name]), `${name} after step ${i + 1}`).toBeLessThan(NEAR)
      }
    })
  })
})

test('10,000 hours of two channels that repeat each other stay finite, no variance below its floor', async () => {
  const { values, rows } = longSequence(3, 10_000)
  for (let row = 0; row < rows; row++) values[row * 2 + 1] = 2 * values[row * 2]
  const floors = { variance: 1e-3, probability: 1e-5 }
  const options = { iterations: 12, tolerance: Number.NEGATIVE_INFINITY, floors }
  const { parameters, logLikelihoods } = await runBaumWelch(parametersOf(cases[0]), [{ rows, values }], options)
  for (const name of NAMES) expect(parameters[name].every(Number.isFinite), name).toBe(true)
  logLikelihoods.slice(1).forEach((value, i) => {
    expect(value).toBeGreaterThanOrEqual(logLikelihoods[i] - NEAR_RELATIVE * Math.abs(value))
  })
  for (let k = 0; k < parameters.states; k++) {
    const [a, b, , d] = parameters.covariance.subarray(k * 4, k * 4 + 4)
    const smallest = (a * d - b * b) / (a + d)
    expect(smallest / floors.variance).toBeGreaterThan(1 - 1e-3)
    expect(smallest / floors.variance).toBeLessThan(1 + 1e-3)
  }
})
