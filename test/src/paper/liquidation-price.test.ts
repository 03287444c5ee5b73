import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toMicro } from '#src/account/money.ts'
import { liquidationPrice, liquidationPriceOf } from '#src/paper/liquidation-price.ts'
import { maintenanceMargin } from '#src/paper/margin.ts'
import { anyTiers, contractWith, openPortfolio, tiersOf } from './portfolio.ts'

describe('the liquidation price', () => {
  // Sections 1.7 and 6: mark 2985.90, margin 4.967826, maintenance margin 1.0002765.
  it("is the venue's own in its sample", () => {
    const price = liquidationPrice(contractWith(tiersOf([0, 50])), { size: 0.0335, mark: 2985.9 }, 4.967826)
    expect(price).toBeCloseTo(2985.9 - (4.967826 - 1.0002765) / 0.0335 / 0.99, 9)
    expect(Math.abs(price! - 2866.26936529)).toBeLessThan(5e-5)
  })

  it('takes the rate of the tier that applies there, not of the one at the mark', () => {
    const contract = contractWith(tiersOf([0, 10], [1_000, 5]))
    // Short 10 at 90: 5 % now, 10 % above 100 dollars. 200 + 900 = 10 p + (10 p - 1,000) 0.1 + 50 at p = 1,150 / 11.
    expect(liquidationPrice(contract, { size: -10, mark: 90 }, 200)).toBeCloseTo(1_150 / 11, 9)
    // Long 10 at 110: 10 % now, 5 % below 100 dollars. 400 - 1,100 + 10 p = 0.5 p at p = 700 / 9.5.
    expect(liquidationPrice(contract, { size: 10, mark: 110 }, 400)).toBeCloseTo(700 / 9.5, 9)
  })

  it('is none for what is not held, and for a long that is paid in full', () => {
    const contract = contractWith(tiersOf([0, 10]))
    expect(liquidationPrice(contract, { size: 0, mark: 100 }, 10)).toBeNull()
    expect(liquidationPrice(contract, { size: 1, mark: 100 }, 100)).toBeNull()
    expect(liquidationPrice(contract, { size: 1, mark: 100 }, 99)).toBeGreaterThan(0)
    expect(liquidationPrice(contract, { size: -1, mark: 100 }, 1_000)).toBeGreaterThan(1_000)
  })

  it('is where the margin equals the maintenance margin, and beyond it alone there is too little', () => {
    fc.assert(
      fc.property(
        anyTiers,
        fc.double({ min: 0.01, max: 3_000, noNaN: true }),
        fc.constantFrom(1, -1),
        fc.double({ min: -0.5, max: 1.5, noNaN: true }),
        (tiers, coins, side, share) => {
          const contract = contractWith(tiers)
          const [size, mark] = [side * coins, 100]
          const margin = coins * mark * share
          const at = (price: number) => margin + size * (price - mark) - maintenanceMargin(contract, coins * price)
          const price = liquidationPrice(contract, { size, mark }, margin)
          if (price === null) {
            for (const some of [1e-6, 1, 100, 1e6]) expect(at(some) >= 0).toBe(side > 0)
            return
          }
          expect(at(price) / (coins * price)).toBeCloseTo(0, 9)
          expect(at(price * (1 - side * 1e-6))).toBeLessThan(0)
          expect(at(price * (1 + side * 1e-6))).toBeGreaterThan(0)
        },
      ),
      { numRuns: 500 },
    )
  })

  it('of a cross position does not depend on leverage, nor on isolated positions', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: -300, max: 300 }),
        (leverage, other, size) => {
          const cross = { coin: 'A', size: 8, entry: 100, mode: 'cross', leverage } as const
          const second = { coin: 'B', size: -6, entry: 60, mode: 'cross', leverage: other } as const
          // Its margin is put in from outside, so that the cross account has the same.
          const isolated = { coin: 'C', size: size / 100, entry: 100, mode: 'isolated', leverage: other } as const
          const spared = toMicro((Math.abs(size) / 100) * (100 / other))
          const plain = openPortfolio(500_000_000, [{ ...cross, leverage: 1 }, second])
          const beside = openPortfolio(500_000_000 + (size === 0 ? 0 : spared), [
            cross,
            second,
            ...(size === 0 ? [] : [isolated]),
          ])
          for (const coin of ['A', 'B']) {
            const price = liquidationPriceOf(plain.journal.state.account, coin, plain.listings)
            expect(liquidationPriceOf(beside.journal.state.account, coin, beside.listings)).toBeCloseTo(price!, 9)
          }
        },
      ),
    )
  })

  it('of an isolated position depends on its own margin alone', () => {
    const isolated = { coin: 'A', size: 1, entry: 100, mode: 'isolated', leverage: 10 } as const
    const alone = openPortfolio(1_000_000_000, [isolated])
    const beside = openPortfolio(900_000_000, [
      isolated,
      { coin: 'B', size: -10, entry: 70, mode: 'cross', leverage: 2 },
      { coin: 'C', size: 10, entry: 10, mode: 'isolated', leverage: 5 },
    ])
    for (const { journal, listings } of [alone, beside]) {
      // 10 - 100 + p = 0.025 p.
      expect(liquidationPriceOf(journal.state.account, 'A', listings)).toBeCloseTo(90 / 0.975, 9)
      journal.record({ kind: 'transfer', time: 1, coin: 'A', amount: 5_000_000 })
      expect(liquidationPriceOf(journal.state.account, 'A', listings)).toBeCloseTo(85 / 0.975, 9)
      expect(liquidationPriceOf(journal.state.account, 'D', listings)).toBeNull()
    }
  })

  it('of a cross position takes the maintenance margins of the others out of the account first', () => {
    const { journal, listings } = openPortfolio(200_000_000, [
      { coin: 'A', size: 10, entry: 100, mode: 'cross', leverage: 10 },
      { coin: 'B', size: -20, entry: 50, mode: 'cross', leverage: 10, tiers: tiersOf([0, 5]) },
    ])
    // 200 - 100 + 10 (p - 100) = 0.025 x 10 p.
    expect(liquidationPriceOf(journal.state.account, 'A', listings)).toBeCloseTo(900 / 9.75, 9)
  })
})
