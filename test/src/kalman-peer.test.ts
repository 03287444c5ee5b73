import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { concentratedLikelihood, filterLevel, fitLocalLevel, type LocalLevelFit } from '#src/kalman.ts'

interface Estimate {
  readonly noiseVariance: number
  readonly levelVariance: number
  readonly logLikelihood: number
}

interface Case {
  readonly name: string
  /** Hourly, null where missing. */
  readonly values: readonly (number | null)[]
  /** The maximum of the likelihood. */
  readonly estimate: Estimate
  /** R and the likelihood where Q / R is held. */
  readonly atRatio: readonly {
    readonly ratio: number
    readonly noiseVariance: number
    readonly logLikelihood: number
  }[]
  /** The filter at assumed variances, one entry per hour from the first observation on. */
  readonly filter: {
    readonly noiseVariance: number
    readonly levelVariance: number
    readonly from: number
    readonly level: readonly number[]
    readonly variance: readonly number[]
    readonly innovation: readonly (number | null)[]
    readonly innovationVariance: readonly (number | null)[]
  }
}

/** Made by `test/peers/kalman.py`. */
const fixture = readFileSync(new URL('fixtures/local-level.json', import.meta.url), 'utf8')
const { cases } = JSON.parse(fixture) as { readonly cases: readonly Case[] }
const NEAR = 1e-8

/** Relative; both missing is equal. */
function within(found: number, expected: number | null, tolerance: number, what: string) {
  if (expected === null) expect(found, what).toBeNaN()
  else expect(Math.abs(found / expected - 1), `${what}: ${found} against ${expected}`).toBeLessThan(tolerance)
}

function fitOf(values: Float64Array): LocalLevelFit {
  const fit = fitLocalLevel(values, 3)
  if ('unavailable' in fit) throw new Error(fit.unavailable)
  return fit
}

describe.each(cases)('the local level model says what statsmodels says of $name', (one) => {
  const values = Float64Array.from(one.values, (value) => value ?? Number.NaN)
  const observed = one.values.filter((value) => value !== null)
  const spread = Math.max(...observed) - Math.min(...observed)

  it('at every hour of the filter', () => {
    const { from, level, variance, innovation, innovationVariance } = one.filter
    expect(level).toHaveLength(values.length - from)
    for (let hour = from; hour < values.length; hour++) {
      const found = filterLevel(values.subarray(0, hour + 1), one.filter)
      const i = hour - from
      // Levels and innovations may be near zero: they are held against the spread of the values.
      expect(Math.abs(found.level - level[i]) / spread, `level of hour ${hour}`).toBeLessThan(NEAR)
      within(found.levelVariance, variance[i], NEAR, `variance of hour ${hour}`)
      within(found.innovationVariance, innovationVariance[i], NEAR, `innovation variance of hour ${hour}`)
      const expected = innovation[i]
      if (expected === null) expect(found.innovation).toBeNaN()
      else expect(Math.abs(found.innovation - expected) / spread, `innovation of hour ${hour}`).toBeLessThan(NEAR)
    }
  })

  it.each(one.atRatio)('of the likelihood and R at Q / R = $ratio', ({ ratio, noiseVariance, logLikelihood }) => {
    const found = concentratedLikelihood(values, ratio)
    within(found.noiseVariance, noiseVariance, NEAR, 'R')
    within(found.logLikelihood, logLikelihood, NEAR, 'likelihood')
    expect(found.observations).toBe(observed.length)
  })

  it('of the largest likelihood, and where it lies', () => {
    const { noiseVariance, levelVariance, logLikelihood } = one.estimate
    const fit = fitOf(values)
    const total = noiseVariance + levelVariance
    // Steps have the variance Q + 2 R, so a ratio of e^9 where R is zero costs Q a share of 2 e^-9.
    expect(Math.abs(fit.noiseVariance - noiseVariance) / total, 'R').toBeLessThan(2e-4)
    expect(Math.abs(fit.levelVariance - levelVariance) / total, 'Q').toBeLessThan(3e-4)
    // ln(Q/R) is sought between -16 and 9, and found to 1e-4. Beyond those bounds the likelihood is flat.
    const inside = Math.min(noiseVariance, levelVariance) > 1e-3 * total
    expect(Math.abs(fit.logLikelihood - logLikelihood)).toBeLessThan(inside ? 1e-6 : 1e-3)
    if (!inside) return
    within(fit.noiseVariance, noiseVariance, 1e-4, 'R')
    within(fit.levelVariance, levelVariance, 1e-4, 'Q')
  })
})

describe('the cases of the fixture', () => {
  it('have hours missing, at the start and the end too, and variances that go to zero', () => {
    expect(cases.some(({ values }) => values[0] === null && values.at(-1) === null)).toBe(true)
    expect(cases.some(({ estimate }) => estimate.levelVariance < 1e-9 * estimate.noiseVariance)).toBe(true)
    expect(cases.some(({ estimate }) => estimate.noiseVariance < 1e-9 * estimate.levelVariance)).toBe(true)
  })

  it("give the textbook's estimates of the Nile (Durbin and Koopman 2.10.3)", () => {
    const { noiseVariance, levelVariance, logLikelihood } = cases.find(({ name }) => name === 'the Nile')!.estimate
    expect(noiseVariance).toBeCloseTo(15_099, -1)
    expect(levelVariance).toBeCloseTo(1469.1, 0)
    expect(logLikelihood).toBeCloseTo(-632.55, 2)
  })
})
