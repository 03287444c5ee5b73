import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { expectedValue, fitOu, type OuFit, stationaryZ } from '#src/ou.ts'

function simulate(hours: number, theta: number, mu: number, sigma: number, seed: number): Float64Array {
  const random = createRandom(seed)
  const persistence = Math.exp(-theta)
  const deviation = sigma / Math.sqrt(2 * theta)
  const step = deviation * Math.sqrt(1 - persistence ** 2)
  const values = new Float64Array(hours)
  values[0] = mu + deviation * random.normal()
  for (let i = 1; i < hours; i++) values[i] = mu + persistence * (values[i - 1] - mu) + step * random.normal()
  return values
}

function mustFit(values: Float64Array, minPairs = 8): OuFit {
  const fit = fitOu(values, minPairs)
  if ('unavailable' in fit) throw new Error(fit.unavailable)
  return fit
}

describe('fitOu', () => {
  it('recovers the parameters of a simulated process', () => {
    const fit = mustFit(simulate(20_000, 0.1, 1.25e-5, 3e-6, 5))
    // Standard error of b is sqrt((1 - b^2) / n) = 0.003, of theta about 0.0033, of mu sigma / (theta sqrt(n)) = 2e-7.
    expect(fit.theta).toBeGreaterThan(0.1 - 0.0132)
    expect(fit.theta).toBeLessThan(0.1 + 0.0132)
    expect(Math.abs(fit.mu - 1.25e-5)).toBeLessThan(8.5e-7)
    expect(Math.abs(fit.sigma / 3e-6 - 1)).toBeLessThan(0.03)
    expect(fit.halfLifeHours).toBeCloseTo(Math.LN2 / fit.theta, 12)
    expect(fit.stationaryDeviation).toBeCloseTo(fit.sigma / Math.sqrt(2 * fit.theta), 15)
    expect(fit.pairs).toBe(19_999)
  })

  it('agrees with a regression done by hand', () => {
    // Pairs (0,2) (2,1) (1,2) (2,2) (2,0): means 1.4 and 1.4, Sxx 3.2, Sxy -1.8, so b = -0.5625: no reversion to wait for.
    expect(fitOu(Float64Array.of(0, 2, 1, 2, 2, 0), 3)).toEqual({
      unavailable: 'no mean reversion',
      pairs: 5,
      persistence: -0.5625,
    })
    // Pairs (4,3) (3,1) (1,1) (1,0): means 2.25 and 1.25, Sxx 6.75, Sxy 4.75, Syy 4.75; b = 19/27.
    const fit = mustFit(Float64Array.of(4, 3, 1, 1, 0), 3)
    const residual = (4.75 - (19 / 27) * 4.75) / 2
    expect(fit.persistence).toBeCloseTo(19 / 27, 14)
    expect(fit.mu).toBeCloseTo((1.25 - (19 / 27) * 2.25) / (1 - 19 / 27), 12)
    expect(fit.stationaryDeviation).toBeCloseTo(Math.sqrt(residual / (1 - (19 / 27) ** 2)), 14)
  })

  it('never bridges a missing hour', () => {
    const values = simulate(600, 0.2, 0, 1, 9)
    const holed = values.slice()
    for (let i = 5; i < 600; i += 10) holed[i] = Number.NaN
    const fit = mustFit(holed)
    expect(fit.pairs).toBe(599 - 2 * 60)
    // Squeezing the holes out would make pairs of values two hours apart and the half-life longer or shorter.
    expect(fit.theta).not.toBe(mustFit(holed.filter((value) => !Number.isNaN(value))).theta)
    expect(Math.abs(fit.theta - 0.2)).toBeLessThan(0.1)
  })

  it('finds half-lives short in small samples, by what Kendall (1954) says of b', () => {
    const theta = Math.LN2 / 24
    const fits = Array.from({ length: 1000 }, (_, seed) => fitOu(simulate(169, theta, 0, 1, seed), 8)).flatMap((fit) =>
      'unavailable' in fit ? [] : [fit],
    )
    expect(fits.length).toBeGreaterThan(990)
    const bias = fits.reduce((sum, { persistence }) => sum + persistence, 0) / fits.length - Math.exp(-theta)
    expect(Math.abs(bias / ((1 + 3 * Math.exp(-theta)) / 168) + 1)).toBeLessThan(0.25)
    const halfLives = fits.map(({ halfLifeHours }) => halfLifeHours).sort((a, b) => a - b)
    expect(Math.abs(halfLives[500] - 14)).toBeLessThan(1)
  })

  it('says why there is no fit', () => {
    const flat = new Float64Array(168).fill(1.25e-5)
    expect(fitOu(flat, 72)).toMatchObject({ unavailable: 'funding did not vary' })
    expect(fitOu(flat.subarray(0, 72), 72)).toMatchObject({ unavailable: 'too few pairs', pairs: 71 })
    const explosive = Float64Array.from({ length: 168 }, (_, i) => 1.05 ** i)
    expect(fitOu(explosive, 72)).toMatchObject({ unavailable: 'no mean reversion' })
    expect(fitOu(new Float64Array(168).fill(Number.NaN), 72)).toMatchObject({ unavailable: 'too few pairs', pairs: 0 })
  })

  it('measures distance in stationary deviations and lets half of it go in a half-life', () => {
    const fit = mustFit(simulate(2_000, 0.1, 3, 1, 2))
    expect(stationaryZ(fit, fit.mu + 2.5 * fit.stationaryDeviation)).toBeCloseTo(2.5, 10)
    expect(expectedValue(fit, fit.mu + 8, fit.halfLifeHours) - fit.mu).toBeCloseTo(4, 10)
    expect(expectedValue(fit, fit.mu + 8, 2 * fit.halfLifeHours) - fit.mu).toBeCloseTo(2, 10)
  })
})
