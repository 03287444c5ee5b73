import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import type { OuProcess } from '#src/ou.ts'
import { breakEvenHour, SIGN_FLIP_CAP, signFlipProbability, signFlipWithin } from '#src/wheel/sign-flip.ts'
import { normalCdf } from '#statistics/distributions.ts'

function processOf(halfLifeHours: number, mu: number, stationaryDeviation: number): OuProcess {
  const theta = Math.LN2 / halfLifeHours
  const sigma = stationaryDeviation * Math.sqrt(2 * theta)
  return { theta, mu, sigma, halfLifeHours, persistence: Math.exp(-theta), stationaryDeviation }
}

/** Share of simulated paths of a short's funding that are below 0 at one of `hours`. */
function turnedByMonteCarlo({ mu, persistence, stationaryDeviation }: OuProcess, rate: number, hours: number): number {
  const random = createRandom(8).fork(`${persistence}/${rate}`)
  const step = stationaryDeviation * Math.sqrt(1 - persistence ** 2)
  let turned = 0
  for (let path = 0; path < PATHS; path++) {
    let value = rate
    for (let hour = 1; hour <= hours && value >= 0; hour++) {
      value = mu + persistence * (value - mu) + step * random.normal()
    }
    if (value < 0) turned++
  }
  return turned / PATHS
}
const PATHS = 20_000

describe('the break-even hour', () => {
  it('is the first whose expected settlement brings the sum to the cost', () => {
    // Half is left after an hour: of 8 are settled 4, 2, 1, ... above a mean of 0.
    const halving = processOf(1, 0, 1)
    expect(breakEvenHour(halving, 8, -1, 4)).toBe(1)
    expect(breakEvenHour(halving, 8, -1, 4.01)).toBe(2)
    expect(breakEvenHour(halving, 8, -1, 6.99)).toBe(3)
    expect(breakEvenHour(halving, -8, 1, 6.99)).toBe(3)
    expect(breakEvenHour(halving, 8, -1, 8.01)).toBe(Number.POSITIVE_INFINITY)
    expect(breakEvenHour(halving, 8, 1, 0.1)).toBe(Number.POSITIVE_INFINITY)
    expect(breakEvenHour(processOf(5, 1, 1), 1, -1, SIGN_FLIP_CAP)).toBe(SIGN_FLIP_CAP)
    expect(breakEvenHour(processOf(5, 1, 1), 1, -1, SIGN_FLIP_CAP + 1)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('the sign flip', () => {
  it('over two hours is what two normal variables give', () => {
    // No memory to speak of: each hour is a draw from N(1, 1).
    const forgetful = processOf(0.02, 1, 1)
    expect(signFlipProbability(forgetful, 5, -1, 1.5)).toBeCloseTo(1 - (1 - normalCdf(-1)) ** 2, 5)
    // Mean 0, b = 1/2, from 0: P(both above 0) = 1/4 + asin(correlation) / 2 pi, correlation of Y1 and Y2 1/sqrt 5.
    const halving = processOf(1, 0, 1)
    expect(signFlipWithin(halving, 0, -1, 2)).toBeCloseTo(0.75 - Math.asin(1 / Math.sqrt(5)) / (2 * Math.PI), 5)
  })

  it.each([
    ['reverts fast', processOf(4, 1.25e-5, 1e-5), 6e-5, 5e-4],
    ['reverts within a day', processOf(12, 1.25e-5, 1e-5), 6e-5, 1e-3],
    ['reverts to the other side', processOf(24, -1e-5, 2e-5), 8e-5, 5e-4],
    ['never pays', processOf(100, 2e-6, 3e-5), 9e-5, 0.1],
    ['hardly reverts', processOf(5000, 1e-5, 2e-4), 5e-5, 2e-3],
    ['forgets within the hour', processOf(0.3, 2e-5, 1e-5), 5e-5, 3e-4],
    ['starts near zero and climbs', processOf(24, 1e-4, 2e-5), 2e-6, 1e-3],
    ['starts far away', processOf(24, 2e-5, 2e-5), 1e-3, 3e-2],
  ])('is what simulated paths say where funding %s', (_, fit, rate, cost) => {
    const hours = Math.min(breakEvenHour(fit, rate, -1, cost), SIGN_FLIP_CAP)
    const found = signFlipProbability(fit, rate, -1, cost)
    const simulated = turnedByMonteCarlo(fit, rate, hours)
    expect(Math.abs(found - simulated)).toBeLessThan(4 * Math.sqrt((found * (1 - found)) / PATHS) + 1e-4)
  })

  it('is certain where funding is against the side already, and not counted at exactly zero', () => {
    const fit = processOf(12, 1.25e-5, 1e-5)
    expect(signFlipProbability(fit, 1e-5, 1, 1e-3)).toBe(1)
    expect(signFlipProbability(fit, -1e-5, -1, 1e-3)).toBe(1)
    expect(signFlipProbability(fit, 0, -1, 1e-5)).toBeLessThan(1)
  })

  it('is next to nothing where funding stays far from zero, and next to certain where it lives around it', () => {
    expect(signFlipProbability(processOf(12, 1e-4, 1e-5), 1e-4, -1, 1e-3)).toBe(0)
    expect(signFlipProbability(processOf(2, 0, 1e-5), 1e-5, -1, Number.POSITIVE_INFINITY)).toBeGreaterThan(0.999)
  })

  it('is certain where funding reverts to the other side within the hour', () => {
    // A short that is paid now, by a process whose mean lies 60 deviations on the other side.
    expect(signFlipProbability(processOf(0.1, -6e-4, 1e-5), 1e-5, -1, 1e-3)).toBeCloseTo(1, 9)
    expect(signFlipProbability(processOf(0.5, -3e-4, 1e-5), 1e-5, -1, 1e-3)).toBeCloseTo(1, 9)
  })

  it('does not tell what it cannot know', () => {
    const fit = processOf(12, 1.25e-5, 1e-5)
    expect(() => signFlipProbability(fit, Number.NaN, -1, 1e-3)).toThrow(InputError)
    expect(() => signFlipProbability(fit, 1e-5, -1, Number.NaN)).toThrow(InputError)
    expect(() => signFlipProbability(fit, 1e-5, -1, -1e-4)).toThrow(InputError)
  })

  const process = fc
    .tuple(
      fc.double({ min: -1, max: 8, noNaN: true }),
      fc.double({ min: -5e-5, max: 1e-4, noNaN: true }),
      fc.double({ min: 2e-6, max: 2e-4, noNaN: true }),
    )
    .map(([logHalfLife, mu, deviation]) => processOf(Math.exp(logHalfLife), mu, deviation))
  const positive = fc.double({ min: 0, max: 3e-4, noNaN: true })
  const cost = fc.double({ min: 0, max: 3e-3, noNaN: true })
  const ERROR = 3e-5

  it('grows with the cost, falls with the rate, and is a probability', () => {
    fc.assert(
      fc.property(process, positive, positive, cost, cost, (fit, rate, more, first, second) => {
        const found = signFlipProbability(fit, rate, -1, first)
        expect(found >= 0 && found <= 1).toBe(true)
        expect(signFlipProbability(fit, rate, -1, first + second)).toBeGreaterThanOrEqual(found - ERROR)
        expect(signFlipProbability(fit, rate + more, -1, first)).toBeLessThanOrEqual(found + ERROR)
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  it('falls where the mean moves to the side that is paid', () => {
    fc.assert(
      fc.property(process, positive, positive, cost, (fit, rate, more, price) => {
        const better = { ...fit, mu: fit.mu + more }
        const found = signFlipProbability(fit, rate, -1, price)
        expect(signFlipProbability(better, rate, -1, price)).toBeLessThanOrEqual(found + ERROR)
      }),
      { numRuns: 60, seed: 2 },
    )
  })

  it('is the same for a long as for a short in the mirror, and in any unit', () => {
    fc.assert(
      fc.property(process, positive, cost, (fit, rate, price) => {
        const found = signFlipProbability(fit, rate, -1, price)
        expect(signFlipProbability({ ...fit, mu: -fit.mu }, -rate, 1, price)).toBe(found)
        const doubled = {
          ...fit,
          mu: 2 * fit.mu,
          sigma: 2 * fit.sigma,
          stationaryDeviation: 2 * fit.stationaryDeviation,
        }
        expect(signFlipProbability(doubled, 2 * rate, -1, 2 * price)).toBe(found)
      }),
      { numRuns: 40, seed: 3 },
    )
  })
})
