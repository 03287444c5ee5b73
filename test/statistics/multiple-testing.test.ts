import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { holm } from '#statistics/multiple-testing.ts'
import { farthest, peers } from './peers.ts'

describe("Holm's correction", () => {
  it.each(peers.corrections)('is that of statsmodels for $p', ({ p, corrected }) => {
    expect(farthest(holm(p), corrected)).toBeLessThan(1e-11)
  })

  it('does not count a test that could not be done', () => {
    expect(holm([0.02, Number.NaN, 0.03])).toEqual([0.04, Number.NaN, 0.04])
    expect(holm([])).toEqual([])
  })

  it('never lowers a p, never leaves 0 to 1, keeps the order, and lies between nothing and Bonferroni', () => {
    const list = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })
    fc.assert(
      fc.property(list, (p) => {
        const corrected = holm(p)
        for (let i = 0; i < p.length; i++) {
          expect(corrected[i]).toBeGreaterThanOrEqual(p[i])
          expect(corrected[i]).toBeLessThanOrEqual(Math.min(1, p[i] * p.length))
          for (let j = 0; j < p.length; j++) if (p[i] < p[j]) expect(corrected[i]).toBeLessThanOrEqual(corrected[j])
        }
      }),
    )
  })
})
