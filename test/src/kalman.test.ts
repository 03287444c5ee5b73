import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { concentratedLikelihood, filterLevel, fitLocalLevel, rollingZ } from '#src/kalman.ts'

interface Case {
  readonly values: readonly (number | null)[]
  readonly noiseVariance: number
  readonly levelVariance: number
  readonly logLikelihood: number
  readonly level: number
  readonly variance: number
  readonly innovation: number
  readonly innovationVariance: number
}

const cases = JSON.parse(readFileSync(new URL('fixtures/local-level.json', import.meta.url), 'utf8')) as Record<
  'nile' | 'nileMissing' | 'funding',
  Case
>
const gridOf = (from: Case) => Float64Array.from(from.values, (value) => value ?? Number.NaN)
const within = (actual: number, expected: number, relative: number) =>
  expect(Math.abs(actual / expected - 1), `${actual} against ${expected}`).toBeLessThan(relative)

describe('local level model', () => {
  it.each(['nile', 'nileMissing', 'funding'] as const)('fits %s as statsmodels does', (name) => {
    const expected = cases[name]
    const fit = fitLocalLevel(gridOf(expected), 8)
    if ('unavailable' in fit) throw new Error(fit.unavailable)
    within(fit.noiseVariance, expected.noiseVariance, 1e-3)
    within(fit.levelVariance, expected.levelVariance, 2e-3)
    within(fit.logLikelihood, expected.logLikelihood, 1e-8)
  })

  it.each(['nile', 'nileMissing', 'funding'] as const)('filters %s as statsmodels does', (name) => {
    const { level, levelVariance, innovation, innovationVariance } = filterLevel(gridOf(cases[name]), cases[name])
    within(level, cases[name].level, 1e-8)
    within(levelVariance, cases[name].variance, 1e-6)
    within(innovation, cases[name].innovation, 1e-8)
    within(innovationVariance, cases[name].innovationVariance, 1e-6)
  })

  it('reaches the textbook likelihood of the Nile (Durbin and Koopman 2.10.3: Q/R 0.0973)', () => {
    const { logLikelihood, noiseVariance } = concentratedLikelihood(gridOf(cases.nile), 0.0973)
    within(noiseVariance, 15_099, 1e-3)
    expect(logLikelihood).toBeCloseTo(-632.55, 2)
  })

  it('steps through three values as by hand', () => {
    // Q = 1, R = 1. Start: level 0, P 1. Hour 2: P 2, F 3, v 3, level 2, P 2/3. Hour 3 missing: P 5/3. Hour 4: P 8/3, F 11/3.
    const state = filterLevel(Float64Array.of(0, 3, Number.NaN, 13), { levelVariance: 1, noiseVariance: 1 })
    expect(state.innovation).toBeCloseTo(11, 12)
    expect(state.innovationVariance).toBeCloseTo(11 / 3, 12)
    expect(state.level).toBeCloseTo(10, 12)
    expect(state.levelVariance).toBeCloseTo(8 / 11, 12)
  })

  it('only predicts where an observation is missing', () => {
    const state = filterLevel(Float64Array.of(0, 3, Number.NaN), { levelVariance: 1, noiseVariance: 1 })
    expect(state).toEqual({
      level: 2,
      levelVariance: expect.closeTo(5 / 3, 12),
      innovation: Number.NaN,
      innovationVariance: Number.NaN,
    })
  })

  it('says why there is no fit', () => {
    const flat = new Float64Array(336).fill(1.25e-5)
    expect(fitLocalLevel(flat, 72)).toEqual({ unavailable: 'funding did not vary', observations: 336 })
    expect(fitLocalLevel(flat.subarray(0, 71), 72)).toEqual({ unavailable: 'too few observations', observations: 71 })
  })

  it('survives a series that sits at one rate for all but a few hours', () => {
    const values = new Float64Array(336).fill(1.25e-5)
    values[100] = 9e-5
    values[101] = 8e-5
    const fit = fitLocalLevel(values, 72)
    expect(fit).toMatchObject({ observations: 336 })
    if (!('unavailable' in fit)) expect(fit.noiseVariance + fit.levelVariance).toBeGreaterThan(0)
  })
})

describe('rolling z', () => {
  it('measures the last value against those before it', () => {
    // Mean 2, sample deviation 1.
    expect(rollingZ(Float64Array.of(1, 2, Number.NaN, 3, 5), 3)).toEqual({ z: 3, mean: 2 })
  })

  it('is not defined on too few or equal values', () => {
    expect(rollingZ(Float64Array.of(1, 2, 5), 3).z).toBeNaN()
    expect(rollingZ(Float64Array.of(2, 2, 2, 2, 5), 3).z).toBeNaN()
  })
})
