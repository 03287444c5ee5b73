import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { runBaumWelch } from '#models/hmm/baum-welch.ts'
import { createEmission } from '#models/hmm/emission.ts'
import type { HourlySequence } from '#models/hmm/expectation.ts'
import { filterStates } from '#models/hmm/filter.ts'
import type { CovarianceType, HmmParameters } from '#models/hmm/parameters.ts'
import { smoothStates } from '#models/hmm/smoother.ts'
import { mostProbableStates } from '#models/hmm/viterbi.ts'
import { maxAbsDifference } from '#models/onnx/parity.ts'

type Plain = Record<'initial' | 'transition' | 'mean' | 'covariance', number[]>

interface Case {
  readonly covarianceType: CovarianceType
  readonly missing: boolean
  readonly states: number
  readonly dimensions: number
  /** Row-major; null where missing. */
  readonly sequences: (number | null)[][]
  readonly before: Plain
  readonly firstSequence: {
    readonly logLikelihood: number
    readonly filtered: number[]
    readonly smoothed: number[]
    readonly expectedTransitions: number[]
    readonly path: number[]
  }
  readonly logLikelihoods: number[]
  readonly after: Plain
}

const fixture = readFileSync(new URL('fixtures/hmmlearn.json', import.meta.url), 'utf8')
/** Made by `test/peers/hmm.py`. */
const { cases } = JSON.parse(fixture) as { cases: Case[] }
const NEAR = 1e-6

function parametersOf({ states, dimensions, covarianceType, before }: Case): HmmParameters {
  const arrays = Object.fromEntries(Object.entries(before).map(([name, values]) => [name, Float64Array.from(values)]))
  return { states, dimensions, covarianceType, ...(arrays as Record<keyof Plain, Float64Array>) }
}

function sequencesOf({ sequences, dimensions }: Case): HourlySequence[] {
  return sequences.map((values) => ({
    rows: values.length / dimensions,
    values: Float64Array.from(values, (value) => value ?? Number.NaN),
  }))
}

describe.each(cases)('the HMM says what hmmlearn says ($covarianceType, missing values: $missing)', (one) => {
  const parameters = parametersOf(one)
  const [first] = sequencesOf(one)
  const densities = new Float64Array(first.rows * one.states)
  createEmission(parameters).logDensities(first.values, first.rows, densities)

  test('of the likelihood and the filter', () => {
    const { logLikelihood, probabilities } = filterStates(parameters, densities, first.rows)
    expect(Math.abs(logLikelihood - one.firstSequence.logLikelihood)).toBeLessThan(NEAR)
    expect(maxAbsDifference(probabilities, one.firstSequence.filtered)).toBeLessThan(NEAR)
  })

  test('of the smoother and the expected transitions', () => {
    const { probabilities, expectedTransitions } = smoothStates(parameters, densities, first.rows)
    expect(maxAbsDifference(probabilities, one.firstSequence.smoothed)).toBeLessThan(NEAR)
    expect(maxAbsDifference(expectedTransitions, one.firstSequence.expectedTransitions)).toBeLessThan(NEAR)
  })

  test('of the most probable states', () => {
    expect([...mostProbableStates(parameters, densities, first.rows)]).toEqual(one.firstSequence.path)
  })

  test('of every step of expectation maximisation', async () => {
    const iterations = one.logLikelihoods.length - 1
    const floors = { variance: 0, probability: 0 }
    const options = { iterations, tolerance: Number.NEGATIVE_INFINITY, floors }
    const learnt = await runBaumWelch(parameters, sequencesOf(one), options)
    expect(maxAbsDifference(learnt.logLikelihoods, one.logLikelihoods)).toBeLessThan(NEAR)
    for (const [name, values] of Object.entries(one.after)) {
      expect(maxAbsDifference(learnt.parameters[name as keyof Plain], values), name).toBeLessThan(NEAR)
    }
  })
})
