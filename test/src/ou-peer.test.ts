import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { expectedValue, fitOu, type OuFit, stationaryZ } from '#src/ou.ts'

type Process = Pick<OuFit, 'theta' | 'mu' | 'sigma' | 'halfLifeHours'>

interface Case {
  readonly name: string
  /** Hourly, null where missing. */
  readonly values: readonly (number | null)[]
  readonly pairs: number
  /** b of the regression, and its standard error. */
  readonly persistence: number
  readonly persistenceError: number
  /** By conditional maximum likelihood (OLS, AutoReg), residuals over pairs - 2; absent where b is not in (0, 1). */
  readonly conditional?: Process
  /** By the exact likelihood (ARIMA). */
  readonly exact?: Process
  readonly exactPersistence?: number
}

/** Made by `test/peers/ou.py`. */
const fixture = readFileSync(new URL('fixtures/ou.json', import.meta.url), 'utf8')
const { cases } = JSON.parse(fixture) as { readonly cases: readonly Case[] }
const NEAR = 1e-8

const gridOf = ({ values }: Case) => Float64Array.from(values, (value) => value ?? Number.NaN)
const relative = (found: number, expected: number) => Math.abs(found / expected - 1)

function fitOf(one: Case): OuFit {
  const fit = fitOu(gridOf(one), 3)
  if ('unavailable' in fit) throw new Error(fit.unavailable)
  return fit
}

const reverting = cases.filter(({ conditional }) => conditional)

describe.each(reverting)('an OU process is what least squares of statsmodels says: $name', (one) => {
  const fit = fitOf(one)

  it('in its speed, mean, diffusion and half-life', () => {
    expect(fit.pairs).toBe(one.pairs)
    expect(relative(fit.persistence, one.persistence)).toBeLessThan(NEAR)
    for (const name of ['theta', 'mu', 'sigma', 'halfLifeHours'] as const) {
      expect(relative(fit[name], one.conditional![name]), name).toBeLessThan(NEAR)
    }
  })

  it('in what it expects ahead and how far it says a value is', () => {
    const { theta, mu, sigma } = one.conditional!
    const deviation = sigma / Math.sqrt(2 * theta)
    const value = mu + 2 * deviation
    const ahead = mu + 2 * deviation * Math.exp(-5 * theta)
    expect(Math.abs(expectedValue(fit, value, 5) - ahead) / deviation).toBeLessThan(1e-6)
    expect(Math.abs(stationaryZ(fit, value) - 2)).toBeLessThan(1e-6)
  })
})

describe.each(cases.filter(({ conditional }) => !conditional))('there is no reversion in $name', (one) => {
  it('and the coefficient is that of statsmodels', () => {
    const failure = fitOu(gridOf(one), 3)
    expect(failure).toMatchObject({ unavailable: 'no mean reversion', pairs: one.pairs })
    expect(relative(failure.persistence!, one.persistence)).toBeLessThan(NEAR)
  })
})

describe.each(cases.filter(({ exact }) => exact))(
  'the exact likelihood, in which the first value counts: $name',
  (one) => {
    const fit = fitOf(one)

    it('lies within a quarter of a standard error', () => {
      expect(Math.abs(fit.persistence - one.exactPersistence!)).toBeLessThan(one.persistenceError / 4)
      // Standard error of a mean of correlated values: sigma / (theta sqrt(pairs)).
      const error = fit.sigma / (fit.theta * Math.sqrt(fit.pairs))
      expect(Math.abs(fit.mu - one.exact!.mu)).toBeLessThan(error)
      expect(relative(fit.sigma, one.exact!.sigma)).toBeLessThan(2 / Math.sqrt(2 * fit.pairs))
      expect(fit.persistence).not.toBe(one.exactPersistence)
    })
  },
)

it('the cases have absent hours, few hours and values far from zero', () => {
  expect(reverting.filter(({ values }) => values.includes(null))).not.toHaveLength(0)
  expect(Math.min(...reverting.map(({ pairs }) => pairs))).toBeLessThan(10)
  expect(reverting.some(({ conditional }) => Math.abs(conditional!.mu) > 1e4 * conditional!.sigma)).toBe(true)
})
