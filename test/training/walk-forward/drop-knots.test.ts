import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import type { Windows } from '#data/windows.ts'
import { drawLostKnots, maskedKnots, withoutKnots } from '#training/walk-forward/drop-knots.ts'

/** Windows in which each value says where it stands. */
function windows(count: number, knots: number): Windows {
  const size = count * knots * 2
  return {
    count,
    knots,
    channels: ['return', 'volatility'],
    features: Float32Array.from({ length: size }, (_, i) => i),
    mask: new Float32Array(size).fill(1),
    hours: Float32Array.from({ length: count * knots }, (_, i) => i % knots),
    coin: new Array(count).fill('BTC'),
    asOf: new Float64Array(count),
  }
}

describe('lost knots', () => {
  it('leaves fewer, unevenly spaced knots with their own values, the last among them', () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0, max: 0.9, noNaN: true }), (seed, share) => {
        const all = windows(5, 11)
        const lost = drawLostKnots(all, share, createRandom(seed))
        const left = withoutKnots(all, lost)
        expect(left.knots).toBe(11 - Math.round(share * 10))
        for (let n = 0; n < 5; n++) {
          const kept = Array.from({ length: 11 }, (_, knot) => knot).filter((knot) => !lost[n].includes(knot))
          expect(kept.at(-1)).toBe(10)
          kept.forEach((knot, k) => {
            expect(left.features[(n * left.knots + k) * 2 + 1]).toBe((n * 11 + knot) * 2 + 1)
            expect(left.hours[n * left.knots + k]).toBe(knot - kept[0])
          })
        }
      }),
      { numRuns: 40 },
    )
  })

  it('can leave the knots in place with nothing observed there', () => {
    const all = windows(3, 9)
    const lost = drawLostKnots(all, 0.5, createRandom(1))
    const masked = maskedKnots(all, lost)
    expect(masked.knots).toBe(9)
    for (let n = 0; n < 3; n++) {
      for (let knot = 0; knot < 9; knot++) {
        const gone = lost[n].includes(knot)
        const at = (n * 9 + knot) * 2
        expect([masked.mask[at], masked.features[at]]).toEqual(gone ? [0, 0] : [1, at])
      }
    }
    expect(all.mask.every((value) => value === 1)).toBe(true)
  })

  it('draws other knots for each window, and the same for the same seed', () => {
    const draw = () => drawLostKnots(windows(20, 24), 0.3, createRandom(4))
    expect(draw()).toEqual(draw())
    expect(new Set(draw().map((lost) => lost.join())).size).toBeGreaterThan(15)
    expect(() => drawLostKnots(windows(1, 5), 1, createRandom(4))).toThrow(/share of knots/)
  })
})
