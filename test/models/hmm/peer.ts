import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { runBaumWelch } from '#models/hmm/baum-welch.ts'
import { createEmission } from '#models/hmm/emission.ts'
import type { HourlySequence } from '#models/hmm/expectation.ts'
import type { Floors } from '#models/hmm/maximisation.ts'
import type { CovarianceType, HmmParameters } from '#models/hmm/parameters.ts'
import { maxAbsDifference } from '#models/onnx/parity.ts'

export const NAMES = ['initial', 'transition', 'mean', 'covariance'] as const
type Plain = Readonly<Record<(typeof NAMES)[number], readonly number[]>>

/** Parameters after an iteration and the log-likelihood before it. */
type Iteration = Plain & { readonly logLikelihoodBefore: number }

/** What every case of the fixtures has. */
export interface Shape {
  readonly covarianceType: CovarianceType
  readonly states: number
  readonly dimensions: number
  readonly before: Plain
  readonly iterations: readonly Iteration[]
  readonly lastLogLikelihood: number
}

/** Absolute; relative for sums over 10,000 rows ({@link NEAR_RELATIVE}). */
export const NEAR = 1e-6
export const NEAR_RELATIVE = 1e-9
export const NO_FLOORS: Floors = { variance: 0, probability: 0 }

/** The cases of a fixture made by `test/peers/hmm.py`. */
export function readCases<T>(name: 'hmmlearn' | 'long'): readonly T[] {
  return JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8')).cases
}

export function parametersOf({ states, dimensions, covarianceType, before }: Shape): HmmParameters {
  const arrays = Object.fromEntries(NAMES.map((name) => [name, Float64Array.from(before[name])]))
  return { states, dimensions, covarianceType, ...(arrays as Record<(typeof NAMES)[number], Float64Array>) }
}

export function densitiesOf(parameters: HmmParameters, { values, rows }: HourlySequence): Float64Array {
  const densities = new Float64Array(rows * parameters.states)
  createEmission(parameters).logDensities(values, rows, densities)
  return densities
}

/** The parameters after each of `iterations` steps, one step at a time, and all log-likelihoods. */
export async function trajectory(
  start: HmmParameters,
  sequences: readonly HourlySequence[],
  iterations: number,
  floors: Floors,
): Promise<{ steps: HmmParameters[]; logLikelihoods: number[] }> {
  const steps: HmmParameters[] = []
  const logLikelihoods: number[] = []
  let parameters = start
  for (let i = 0; i < iterations; i++) {
    const options = { iterations: 1, tolerance: Number.NEGATIVE_INFINITY, floors }
    const after = await runBaumWelch(parameters, sequences, options)
    parameters = after.parameters
    steps.push(parameters)
    logLikelihoods.push(after.logLikelihoods[0])
    if (i === iterations - 1) logLikelihoods.push(after.logLikelihoods[1])
  }
  return { steps, logLikelihoods }
}

/** Every log-likelihood and the parameters after every step. */
export function expectTrajectory(
  found: Awaited<ReturnType<typeof trajectory>>,
  { iterations, lastLogLikelihood }: Shape,
) {
  const expected = [...iterations.map(({ logLikelihoodBefore }) => logLikelihoodBefore), lastLogLikelihood]
  expect(maxAbsDifference(found.logLikelihoods, expected)).toBeLessThan(NEAR)
  iterations.forEach((after, i) => {
    for (const name of NAMES) {
      expect(maxAbsDifference(found.steps[i][name], after[name]), `${name} after step ${i + 1}`).toBeLessThan(NEAR)
    }
  })
}
