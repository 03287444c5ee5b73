import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bestPrices, broughtBy, filledAt, takeFromBook } from '#src/paper/matching.ts'

const depth = { halfSpread: 0.0001, impact: 0.03, dailyVolume: 24_000 }

describe('the book', () => {
  it('has its best prices on ticks, the spread never narrower than it is', () => {
    expect(bestPrices(100.005, depth, 2)).toEqual({ bid: 99.994, ask: 100.02 })
    expect(bestPrices(84_143.2, depth, 5)).toEqual({ bid: 84_134, ask: 84_152 })
  })

  it('never gives more than is wanted, there is, and the limit allows', () => {
    const size = fc.double({ min: 0.01, max: 1000, noNaN: true })
    const distance = fc.double({ min: 0, max: 0.05, noNaN: true })
    const side = fc.constantFrom<'buy' | 'sell'>('buy', 'sell')
    fc.assert(
      fc.property(size, size, distance, side, (wanted, volume, far, which) => {
        const limit = which === 'buy' ? 100 * (1 + far) : 100 * (1 - far)
        const { coins, price } = takeFromBook(100, depth, which, wanted, limit, volume, 2)
        expect(coins).toBeLessThanOrEqual(Math.min(wanted, volume) + 1e-9)
        if (coins === 0) return
        // The last coin cost the limit or less, the average less than that.
        const marginal = depth.halfSpread + depth.impact * Math.sqrt(coins / depth.dailyVolume)
        expect(marginal).toBeLessThanOrEqual(far + 1e-9)
        expect(Math.abs(price / 100 - 1)).toBeLessThanOrEqual(marginal + 1e-12)
        expect(Math.sign(price - 100)).toBe(which === 'buy' ? 1 : -1)
      }),
      { seed: 1 },
    )
  })

  it('serves a resting order evenly while it is traded through', () => {
    const chance = { from: 1000, to: 5000, coinsPerMs: 0.01 }
    expect(broughtBy(chance, 500)).toBe(0)
    expect(broughtBy(chance, 2000)).toBe(10)
    expect(broughtBy(chance, 9000)).toBe(40)
    expect(filledAt(chance, 25)).toBe(3500)
    expect(filledAt(chance, 25.001)).toBe(3501)
    expect(filledAt(chance, 100)).toBe(5000)
  })
})
