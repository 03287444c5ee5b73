import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { emptyProfile, likeliestPersistence } from '#src/ou/estimate.ts'
import { sumSteps } from '#src/ou/likelihood.ts'
import { regressPairs, unitRootPValue } from '#src/ou/unit-root.ts'
import { exactMaximumLikelihood, expectedValue, fitOu, type OuProcess, stationaryZ } from '#src/ou.ts'

type Process = Omit<OuProcess, 'stationaryDeviation'>

interface Case {
  readonly name: string
  /** Hourly, null where missing. */
  readonly values: readonly (number | null)[]
  readonly pairs: number
  /** Coefficient of the regression over consecutive hours, Dickey and Fuller's t, and its p-value. */
  readonly regression: number
  readonly t: number
  readonly pValue: number
  /** b of the restricted likelihood, between 0.001 and 0.9999. */
  readonly likeliest: number
  /** By the exact likelihood; absent where the restricted one is highest at an end. */
  readonly exact?: Process
  /** At the corrected b; absent where that is 1 or more. */
  readonly corrected?: Process
  readonly halfLifeLow?: number
  /** Null: no upper end. */
  readonly halfLifeHigh?: number | null
}

/** Made by `test/peers/ou.py`. */
const fixture = readFileSync(new URL('fixtures/ou.json', import.meta.url), 'utf8')
const { confidence, cases } = JSON.parse(fixture) as { readonly confidence: number; readonly cases: readonly Case[] }

const gridOf = ({ values }: Case) => Float64Array.from(values, (value) => value ?? Number.NaN)
const fitOf = (one: Case) => fitOu(gridOf(one), 3, { confidence })
const relative = (found: number, expected: number) => Math.abs(found / expected - 1)
const NAMES = ['theta', 'mu', 'sigma', 'halfLifeHours', 'persistence'] as const

describe.each(cases)('statsmodels and SciPy agree: $name', (one) => {
  const grid = gridOf(one)
  const fit = fitOf(one)

  it('on the Dickey-Fuller test', () => {
    const { persistence, t } = regressPairs(sumSteps(grid).groups[0])
    expect(Math.abs(persistence - one.regression)).toBeLessThan(1e-9)
    expect(relative(t, one.t)).toBeLessThan(1e-7)
    expect(Math.abs(unitRootPValue(t) - one.pValue)).toBeLessThan(1e-6)
    expect(fit.pairs).toBe(one.pairs)
    if (!('unavailable' in fit)) expect(relative(fit.pValue, one.pValue)).toBeLessThan(1e-6)
  })

  it('on where the restricted likelihood is highest', () => {
    const likeliest = likeliestPersistence(sumSteps(grid), 'restricted', emptyProfile())
    // The peer stays between 0.001 and 0.9999.
    if (one.likeliest < 0.002) expect(likeliest).toBe(0)
    else if (one.likeliest > 0.999) expect(likeliest).toBe(1)
    else expect(Math.abs(likeliest - one.likeliest)).toBeLessThan(1e-6)
  })
})

describe.each(cases.filter(({ exact }) => exact))('statsmodels agrees: $name', (one) => {
  it('on the exact likelihood, absent hours included', () => {
    const exact = exactMaximumLikelihood(gridOf(one))!
    for (const name of NAMES) expect(relative(exact[name], one.exact![name]), name).toBeLessThan(1e-5)
  })
})

describe.each(cases.filter(({ corrected }) => corrected))('SciPy agrees: $name', (one) => {
  const fit = fitOf(one)

  it('on the process at the corrected b, and on the interval of its half-life', () => {
    if ('unavailable' in fit) throw new Error(fit.unavailable)
    for (const name of NAMES) expect(relative(fit[name], one.corrected![name]), name).toBeLessThan(1e-4)
    if (one.halfLifeLow === 0) expect(fit.halfLifeLow).toBe(0)
    else expect(relative(fit.halfLifeLow, one.halfLifeLow!)).toBeLessThan(1e-5)
    if (one.halfLifeHigh === null) expect(fit.halfLifeHigh).toBe(Number.POSITIVE_INFINITY)
    else expect(relative(fit.halfLifeHigh, one.halfLifeHigh!)).toBeLessThan(1e-5)
    const { theta, mu, sigma } = one.corrected!
    const deviation = sigma / Math.sqrt(2 * theta)
    expect(Math.abs(stationaryZ(fit, mu + 2 * deviation) - 2)).toBeLessThan(1e-3)
    const ahead = mu + 2 * deviation * Math.exp(-5 * theta)
    expect(Math.abs(expectedValue(fit, mu + 2 * deviation, 5) - ahead) / deviation).toBeLessThan(1e-3)
  })
})

describe.each(cases.filter(({ corrected }) => !corrected))('all agree: $name', (one) => {
  it('that there is nothing to wait for', () => {
    const unavailable = one.likeliest < 0.5 ? 'no persistence' : 'no mean reversion'
    expect(fitOf(one)).toMatchObject({ unavailable, persistence: expect.closeTo(one.regression, 9) })
  })
})

it('the cases have absent hours, few hours, values far from zero and both kinds of failure', () => {
  expect(cases.filter(({ corrected, values }) => corrected && values.includes(null))).toHaveLength(2)
  expect(Math.min(...cases.map(({ pairs }) => pairs))).toBeLessThan(10)
  expect(cases.some(({ corrected }) => corrected && Math.abs(corrected.mu) > 1e4 * corrected.sigma)).toBe(true)
  expect(cases.filter(({ corrected }) => !corrected).map(({ likeliest }) => likeliest > 0.5)).toContain(false)
  expect(cases.filter(({ halfLifeHigh }) => halfLifeHigh === null)).not.toHaveLength(0)
})
