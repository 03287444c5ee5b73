import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom, type Random } from '#data/random.ts'
import { emptyProfile } from '#src/ou/estimate.ts'
import { profileAt, sumSteps } from '#src/ou/likelihood.ts'
import { exactMaximumLikelihood, expectedValue, fitOu, type OuFailure, type OuFit, stationaryZ } from '#src/ou.ts'

/** Hourly values with a given half-life, mean 0 and stationary deviation 1; a random walk where it is `Infinity`. */
function simulate(hours: number, halfLife: number, random: Random): Float64Array {
  const persistence = Math.exp(-Math.LN2 / halfLife)
  const step = persistence < 1 ? Math.sqrt(1 - persistence ** 2) : 1
  const values = new Float64Array(hours)
  values[0] = persistence < 1 ? random.normal() : 0
  for (let i = 1; i < hours; i++) values[i] = persistence * values[i - 1] + step * random.normal()
  return values
}

function mustFit(values: Float64Array, minPairs = 8): OuFit {
  const fit = fitOu(values, minPairs)
  if ('unavailable' in fit) throw new Error(fit.unavailable)
  return fit
}

/** Fits of `runs` windows of 168 hours; a share of the hours may be absent. */
function fitMany(halfLife: number, runs: number, confidence: number, absent = 0): (OuFit | OuFailure)[] {
  const random = createRandom(21).fork(`${halfLife}/${absent}`)
  return Array.from({ length: runs }, () => {
    const values = simulate(168, halfLife, random)
    for (let i = 0; i < 168; i++) if (random.uniform() < absent) values[i] = Number.NaN
    return fitOu(values, 8, { confidence })
  })
}

const halfLifeOf = (fit: OuFit | OuFailure) => {
  if (!('unavailable' in fit)) return fit.halfLifeHours
  return fit.unavailable === 'no mean reversion' ? Number.POSITIVE_INFINITY : 0
}
const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]

describe('a half-life', () => {
  it.each([4, 12, 24])('of %d h is found at the median of many weeks', (halfLife) => {
    const found = median(fitMany(halfLife, 2000, 0.95).map(halfLifeOf))
    // Standard error of the median at 24 h is 0.6 h; without any correction it would be 3.6, 9.0 and 14.1 h.
    expect(Math.abs(found / halfLife - 1)).toBeLessThan(0.06)
  })

  it('is found where two hours in five are absent', () => {
    const found = median(fitMany(12, 2000, 0.95, 0.4).map(halfLifeOf))
    expect(Math.abs(found / 12 - 1)).toBeLessThan(0.08)
  })

  it.each([
    [4, 0.95, 0],
    [24, 0.95, 0],
    [24, 0.8, 0],
    [100, 0.95, 0],
    [Number.POSITIVE_INFINITY, 0.95, 0],
    [12, 0.95, 0.4],
  ])('of %d h lies in its %d interval as often as that says, %d of the hours absent', (halfLife, level, absent) => {
    const runs = 1500
    const covered = fitMany(halfLife, runs, level, absent).filter((fit) => {
      if ('unavailable' in fit) return fit.unavailable === 'no mean reversion' && fit.halfLifeLow! <= halfLife
      return fit.halfLifeLow <= halfLife && halfLife <= fit.halfLifeHigh
    })
    // Three standard errors of a share; the interval may be a little wide at a unit root.
    const error = 3 * Math.sqrt((level * (1 - level)) / runs)
    expect(covered.length / runs).toBeGreaterThan(level - error)
    expect(covered.length / runs).toBeLessThan(level + error + 0.01)
  })
})

describe('the test of mean reversion', () => {
  const share = (halfLife: number) => {
    const fits = fitMany(halfLife, 1500, 0.95)
    return fits.filter((fit) => !('unavailable' in fit) && fit.pValue < 0.05).length / fits.length
  }

  it('finds it where there is none about one time in twenty', () => {
    expect(share(Number.POSITIVE_INFINITY)).toBeGreaterThan(0.03)
    expect(share(Number.POSITIVE_INFINITY)).toBeLessThan(0.07)
  })

  it('finds a half-life of 4 h in nearly every week, one of 24 h seldom', () => {
    expect(share(4)).toBeGreaterThan(0.95)
    expect(share(24)).toBeLessThan(0.3)
  })
})

describe('fitOu', () => {
  it('recovers the parameters of a long series', () => {
    const values = simulate(20_000, Math.LN2 / 0.1, createRandom(5)).map((value) => 1.25e-5 + 6.7e-6 * value)
    const fit = mustFit(values)
    // Standard error of b is sqrt((1 - b^2) / n) = 0.003, of theta about 0.0033, of mu sigma / (theta sqrt(n)) = 2e-7.
    expect(Math.abs(fit.theta - 0.1)).toBeLessThan(0.0132)
    expect(Math.abs(fit.mu - 1.25e-5)).toBeLessThan(8.5e-7)
    expect(Math.abs(fit.stationaryDeviation / 6.7e-6 - 1)).toBeLessThan(0.08)
    expect(fit.halfLifeHours).toBeCloseTo(Math.LN2 / fit.theta, 12)
    expect(fit.stationaryDeviation).toBeCloseTo(fit.sigma / Math.sqrt(2 * fit.theta), 15)
    expect(fit.pairs).toBe(19_999)
  })

  it('has the likelihood that is worked out by hand', () => {
    // 1, 0, -1 at b = 1/2: information 1 + 2 (1/2) / (3/2) = 5/3, weighted sum 1 + (-1/2 - 1) / (3/2) = 0, squares
    // 3/4 + 1/4 + 1 = 2, in units of the variance 2/3.
    const whole = profileAt(sumSteps(Float64Array.of(1, 0, -1)), 0.5, emptyProfile())
    expect(whole.mean).toBeCloseTo(0, 14)
    expect(whole.squares).toBeCloseTo(3, 14)
    expect(whole.exact).toBeCloseTo(-0.5 * (3 * Math.log(3) - Math.log(0.75)), 14)
    expect(whole.restricted).toBeCloseTo(-0.5 * (2 * Math.log(3) + Math.log(5 / 3)), 14)
    // 1, absent, -1: a step of b^2 = 1/4 whose variance is 5/4 innovations; information 8/5, squares 3/4 + (5/4)^2 / (5/4).
    const holed = profileAt(sumSteps(Float64Array.of(1, Number.NaN, -1)), 0.5, emptyProfile())
    expect(holed.squares).toBeCloseTo(2, 14)
    expect(holed.exact).toBeCloseTo(-0.5 * (2 * Math.log(2) + Math.log(5 / 4) - Math.log(0.75)), 14)
    expect(holed.restricted).toBeCloseTo(-0.5 * (Math.log(2) + Math.log(5 / 4) + Math.log(8 / 5)), 14)
  })

  it('carries what it knows over absent hours by the exact transition', () => {
    // Every other hour of an AR(1) is an AR(1) with b^2: half the theta per step, the same theta per hour.
    const values = simulate(400, 10, createRandom(9))
    const every = mustFit(Float64Array.from(values.filter((_, i) => i % 2 === 0)))
    const holed = values.map((value, i) => (i % 2 === 0 || i < 4 ? value : Number.NaN))
    const exact = exactMaximumLikelihood(values.map((value, i) => (i % 2 === 0 ? value : Number.NaN)))!
    const squeezed = exactMaximumLikelihood(values.filter((_, i) => i % 2 === 0))!
    expect(exact.theta).toBeCloseTo(squeezed.theta / 2, 6)
    expect(exact.mu).toBeCloseTo(squeezed.mu, 6)
    const fit = mustFit(holed, 3)
    expect(fit.pairs).toBe(4)
    expect(Math.abs(fit.halfLifeHours / every.halfLifeHours / 2 - 1)).toBeLessThan(0.1)
  })

  it('takes no notice of the units, of the sign, or of hours before the first value', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: -1e-3, max: 1e-3, noNaN: true }),
        fc.double({ min: 1e-7, max: 10, noNaN: true }),
        fc.boolean(),
        (seed, shift, scale, turned) => {
          const values = simulate(168, 6, createRandom(seed))
          const plain = fitOu(values, 72)
          const other = fitOu(
            Float64Array.from([Number.NaN, Number.NaN, ...values], (x) => shift + (turned ? -scale : scale) * x),
            72,
          )
          if ('unavailable' in plain) return expect(other).toMatchObject({ unavailable: plain.unavailable })
          if ('unavailable' in other) throw new Error(other.unavailable)
          expect(other.halfLifeHours).toBeCloseTo(plain.halfLifeHours, 3)
          expect(other.pValue).toBeCloseTo(plain.pValue, 6)
          expect(other.stationaryDeviation / plain.stationaryDeviation / scale).toBeCloseTo(1, 4)
          const z = stationaryZ(other, shift + (turned ? -scale : scale) * values[167])
          expect(turned ? -z : z).toBeCloseTo(stationaryZ(plain, values[167]), 3)
        },
      ),
      { numRuns: 60, seed: 1 },
    )
  })

  it('has a finite process within its interval for any values that vary, or says why not', () => {
    const value = fc.oneof(
      { weight: 5, arbitrary: fc.constant(1.25e-5) },
      { weight: 3, arbitrary: fc.double({ min: -1e-3, max: 1e-3, noNaN: true }) },
      { weight: 1, arbitrary: fc.constant(Number.NaN) },
    )
    fc.assert(
      fc.property(fc.array(value, { minLength: 10, maxLength: 80 }), (values) => {
        const fit = fitOu(Float64Array.from(values), 3)
        if ('unavailable' in fit) return
        const { theta, mu, sigma, stationaryDeviation, pValue } = fit
        for (const number of [theta, sigma, stationaryDeviation]) expect(number > 0 && number < Infinity).toBe(true)
        expect(Number.isFinite(mu)).toBe(true)
        expect(pValue >= 0 && pValue <= 1).toBe(true)
        expect(fit.halfLifeLow).toBeLessThanOrEqual(fit.halfLifeHours)
        expect(fit.halfLifeHigh).toBeGreaterThanOrEqual(fit.halfLifeHours)
      }),
      { numRuns: 300, seed: 2 },
    )
  })

  it('says why there is no fit', () => {
    const flat = new Float64Array(168).fill(1.25e-5)
    expect(fitOu(flat, 72)).toMatchObject({ unavailable: 'funding did not vary' })
    // The last decimal that funding is settled to goes to and fro.
    expect(
      fitOu(
        flat.map((rate, i) => rate + (i % 7 === 0 ? 1e-10 : 0)),
        72,
      ),
    ).toMatchObject({
      unavailable: 'funding did not vary',
    })
    // Nothing but the last hour differs: no pair tells how it goes on.
    expect(
      fitOu(
        flat.map((rate, i) => (i === 167 ? 2e-4 : rate)),
        72,
      ),
    ).toMatchObject({ pairs: 167 })
    expect(fitOu(flat.subarray(0, 72), 72)).toMatchObject({ unavailable: 'too few pairs', pairs: 71 })
    const explosive = Float64Array.from({ length: 168 }, (_, i) => 1.05 ** i + Math.cos(i))
    expect(fitOu(explosive, 72)).toMatchObject({ unavailable: 'no mean reversion', halfLifeLow: expect.any(Number) })
    const toAndFro = simulate(168, 1, createRandom(3)).map((value, i) => (i % 2 === 0 ? value : -value))
    expect(fitOu(toAndFro, 72)).toMatchObject({ unavailable: 'no persistence' })
    expect(fitOu(new Float64Array(168).fill(Number.NaN), 72)).toMatchObject({ unavailable: 'too few pairs', pairs: 0 })
  })

  it('measures distance in stationary deviations and lets half of it go in a half-life', () => {
    const fit = mustFit(simulate(2_000, 7, createRandom(2)))
    expect(stationaryZ(fit, fit.mu + 2.5 * fit.stationaryDeviation)).toBeCloseTo(2.5, 10)
    expect(expectedValue(fit, fit.mu + 8, fit.halfLifeHours) - fit.mu).toBeCloseTo(4, 10)
    expect(expectedValue(fit, fit.mu + 8, 2 * fit.halfLifeHours) - fit.mu).toBeCloseTo(2, 10)
  })
})
