import { describe, expect, it } from 'vitest'
import { chiSquaredTail, normalCdf, normalQuantile, studentCdf, studentQuantile } from '#statistics/distributions.ts'
import { farthest, peers } from './peers.ts'

describe('distributions', () => {
  const { z, normalCdf: cdf, p, normalQuantile: quantiles, x, ...rest } = peers.distributions

  it('answer 0 for a tail that is smaller than any number', () => {
    for (const far of [1500, 4000, 1e6]) expect(chiSquaredTail(far, 2)).toBe(0)
    expect(chiSquaredTail(1400, 2)).toBeGreaterThan(0)
    expect(normalCdf(-40)).toBe(0)
  })

  it('are those of SciPy', () => {
    expect(farthest(z.map(normalCdf), cdf)).toBeLessThan(1e-11)
    expect(farthest(p.map(normalQuantile), quantiles)).toBeLessThan(1e-9)
    for (const [degrees, tail] of [
      [1, rest.chiSquaredTail1],
      [2, rest.chiSquaredTail2],
    ] as const) {
      expect(
        farthest(
          x.map((value) => chiSquaredTail(value, degrees)),
          tail,
        ),
      ).toBeLessThan(1e-11)
    }
    expect(
      farthest(
        z.map((t) => studentCdf(t, 4)),
        rest.studentCdf4,
      ),
    ).toBeLessThan(1e-11)
    expect(
      farthest(
        p.map((share) => studentQuantile(share, 6)),
        rest.studentQuantile6,
      ),
    ).toBeLessThan(1e-8)
  })

  it('keep the far tails, where 1 minus a probability would be nothing', () => {
    expect(normalCdf(-8) / 6.22096057427174e-16).toBeCloseTo(1, 10)
    expect(chiSquaredTail(80, 2) / Math.exp(-40)).toBeCloseTo(1, 10)
  })

  it('end at infinity and know nothing outside', () => {
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY)
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY)
    for (const p of [-0.1, 1.1, Number.NaN]) expect(normalQuantile(p)).toBeNaN()
    expect(chiSquaredTail(Number.NaN, 2)).toBeNaN()
    expect(chiSquaredTail(3, 0)).toBeNaN()
    expect(chiSquaredTail(-1, 2)).toBeNaN()
  })
})
