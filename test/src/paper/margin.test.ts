import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createAccount, equityOf, holdingOf } from '#src/account/account.ts'
import { toMicro } from '#src/account/money.ts'
import {
  availableMargin,
  crossAccountValue,
  initialMargin,
  isolatedMargin,
  maintenanceMargin,
  marginRate,
  maxLeverageAt,
  removableMargin,
  withdrawable,
} from '#src/paper/margin.ts'
import { anyTiers, contractWith, openPortfolio, tiersOf } from './portfolio.ts'

const notional = fc.double({ min: 0, max: 500_000, noNaN: true })

describe('maintenance margin', () => {
  it('is what the tiers and their deductions give', () => {
    // 40x to 1,000 dollars, 20x to 5,000, then 5x: 12.5 + 100 at the bounds; deductions 12.5 and 387.5.
    const contract = contractWith(tiersOf([0, 40], [1_000, 20], [5_000, 5]))
    expect(maintenanceMargin(contract, 0)).toBe(0)
    expect(maintenanceMargin(contract, 800)).toBeCloseTo(10, 12)
    expect(maintenanceMargin(contract, 1_000)).toBeCloseTo(12.5, 12)
    expect(maintenanceMargin(contract, 5_000)).toBeCloseTo(5_000 * 0.025 - 12.5, 12)
    expect(maintenanceMargin(contract, 8_000)).toBeCloseTo(8_000 * 0.1 - 387.5, 12)
    expect([999, 1_000, 4_999, 5_000].map((dollars) => marginRate(contract, dollars))).toEqual([
      0.0125, 0.025, 0.025, 0.1,
    ])
  })

  it('is continuous across tiers, rises with the notional, and is never less than any tier alone would ask', () => {
    fc.assert(
      fc.property(anyTiers, notional, fc.double({ min: 0, max: 10, noNaN: true }), (tiers, dollars, more) => {
        const contract = contractWith(tiers)
        const margin = maintenanceMargin(contract, dollars)
        const next = maintenanceMargin(contract, dollars + more)
        expect(next).toBeGreaterThanOrEqual(margin)
        // Never by more than the steepest rate: no step anywhere.
        expect(next - margin).toBeLessThanOrEqual(more * marginRate(contract, dollars + more) + 1e-8)
        expect(margin).toBeLessThanOrEqual(dollars * marginRate(contract, dollars) + 1e-8)
        expect(margin).toBeGreaterThanOrEqual(dollars * marginRate(contract, 0) - 1e-8)
      }),
    )
  })

  it('is at most half of the initial margin', () => {
    fc.assert(
      fc.property(anyTiers, notional, fc.integer({ min: 1, max: 50 }), (tiers, dollars, leverage) => {
        const contract = contractWith(tiers)
        const initial = initialMargin(contract, dollars, leverage)
        expect(maintenanceMargin(contract, dollars)).toBeLessThanOrEqual(initial / 2 + 1e-8)
        expect(initial).toBe(dollars / Math.min(leverage, maxLeverageAt(contract, dollars)))
      }),
    )
  })
})

describe('what an account answers with', () => {
  // The document's sample of clearinghouseState (section 1.7).
  it('is what the venue reports', () => {
    const account = createAccount()
    account.cash = toMicro(13009.454678)
    const isolated = { mode: 'isolated', leverage: 20, rawUsd: toMicro(-95.059824) } as const
    const holding = { ...holdingOf(account, 'ETH'), ...isolated, size: 0.0335, mark: 2985.9 }
    account.holdings.set('ETH', holding)
    expect(equityOf(account)).toBe(toMicro(13109.482328))
    expect(crossAccountValue(account)).toBe(toMicro(13104.514502))
    expect(isolatedMargin(holding)).toBe(toMicro(4.967826))
    expect(withdrawable(account, new Map())).toBe(toMicro(13104.514502))
  })

  it('counts unrealised profit of cross positions as collateral, and isolated margin not at all', () => {
    const { journal, listings } = openPortfolio(1_000_000_000, [
      { coin: 'A', size: 10, entry: 100, mode: 'cross', leverage: 4 },
      { coin: 'B', size: -4, entry: 50, mode: 'isolated', leverage: 5 },
    ])
    const { account } = journal.state
    // 1,000 less 1,000 / 4 and 200 / 5.
    expect(availableMargin(account, listings)).toBe(710_000_000)
    journal.record({ kind: 'mark', time: 1, coin: 'A', price: 110, stale: false })
    journal.record({ kind: 'mark', time: 1, coin: 'B', price: 40, stale: false })
    // 100 more value, of which 1,100 / 4 - 250 is bound; the isolated profit is its position's.
    expect(availableMargin(account, listings)).toBe(785_000_000)
    expect(crossAccountValue(account, new Map([['A', 120]]))).toBe(1_160_000_000)
    expect(crossAccountValue(account, new Map([['A', Number.NaN]]))).toBe(1_060_000_000)
    expect(isolatedMargin(account.holdings.get('B')!)).toBe(80_000_000)
    expect(isolatedMargin(account.holdings.get('B')!, 45)).toBe(60_000_000)
  })

  it('can be taken out only down to the initial margins or a tenth of the notional', () => {
    const withLeverage = (leverage: number) =>
      openPortfolio(1_000_000_000, [
        { coin: 'A', size: 10, entry: 100, mode: 'cross', leverage },
        { coin: 'B', size: -4, entry: 50, mode: 'isolated', leverage },
      ])
    const four = withLeverage(4)
    expect(withdrawable(four.journal.state.account, four.listings)).toBe(1_000_000_000 - 50_000_000 - 250_000_000)
    const twenty = withLeverage(20)
    const { account } = twenty.journal.state
    expect(withdrawable(account, twenty.listings)).toBe(1_000_000_000 - 10_000_000 - 100_000_000)
    expect(availableMargin(account, twenty.listings)).toBe(1_000_000_000 - 10_000_000 - 50_000_000)

    twenty.journal.record({ kind: 'transfer', time: 1, coin: 'B', amount: 30_000_000 })
    const { contract } = twenty.listings.get('B')!
    const holding = account.holdings.get('B')!
    expect(removableMargin(holding, contract)).toBe(20_000_000)
    expect(removableMargin(holding, { ...contract, strictlyIsolated: true })).toBe(0)
  })

  it('is negative where positions have outgrown it, and then nothing can be taken out', () => {
    const { journal, listings } = openPortfolio(100_000_000, [
      { coin: 'A', size: 10, entry: 100, mode: 'cross', leverage: 10 },
    ])
    journal.record({ kind: 'mark', time: 1, coin: 'A', price: 95, stale: false })
    expect(availableMargin(journal.state.account, listings)).toBe(50_000_000 - 95_000_000)
    expect(withdrawable(journal.state.account, listings)).toBe(0)
  })

  it('fails closed where a position is not listed', () => {
    const { journal } = openPortfolio(1_000_000_000, [{ coin: 'A', size: 1, entry: 100, mode: 'cross', leverage: 4 }])
    expect(() => availableMargin(journal.state.account, new Map())).toThrow(
      expect.objectContaining({ action: 'fail-closed', message: expect.stringContaining('A is held and not listed') }),
    )
  })
})
