import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Account } from '#src/account/account.ts'
import { MICRO } from '#src/account/money.ts'
import { liquidationPriceOf } from '#src/paper/liquidation-price.ts'
import { crossAccountValue } from '#src/paper/margin.ts'
import type { MarginTier } from '#src/venue/venue.ts'
import { anyTiers, look, type Opening, only, openPortfolio } from './portfolio.ts'

/** Dollars by the document's deductions, told another way than the code does. */
function maintenance(tiers: readonly MarginTier[], notional: number): number {
  let [deduction, rate] = [0, 1 / (2 * tiers[0].maxLeverage)]
  for (const { lowerBound, maxLeverage } of tiers.slice(1)) {
    if (notional < lowerBound) break
    deduction += lowerBound * (1 / (2 * maxLeverage) - rate)
    rate = 1 / (2 * maxLeverage)
  }
  return notional * rate - deduction
}

type Prices = ReadonlyMap<string, number>
const keptBy = (list: readonly Opening[]) => new Map(list.map(({ coin, tiers }) => [coin, tiers!]))

/** What is judged, in dollars: the cross account, or the isolated position of a coin. */
function standing(account: Account, tiers: ReturnType<typeof keptBy>, marks: Prices, alone?: string) {
  let margin = alone === undefined ? account.cash / MICRO : 0
  let needed = 0
  let known = false
  for (const [coin, { size, mark, mode, rawUsd }] of account.holdings) {
    if (alone === undefined) margin -= rawUsd / MICRO
    if (size === 0 || (alone === undefined ? mode === 'isolated' : coin !== alone)) continue
    const price = marks.get(coin) ?? mark
    margin += size * price + (alone === undefined ? 0 : rawUsd / MICRO)
    needed += maintenance(tiers.get(coin)!, Math.abs(size) * price)
    known ||= marks.has(coin)
  }
  return { margin, needed, known, below: known && margin < needed, doubtful: Math.abs(margin - needed) < 1e-4 }
}

/** Micro-dollars, not rounded. */
function worth(account: Account, marks: Prices): number {
  let value = account.cash
  for (const [coin, { size, mark }] of account.holdings) value += size * (marks.get(coin) ?? mark) * MICRO
  return value
}

const opening = fc.record({
  size: fc.integer({ min: -3_000, max: 3_000 }).filter((size) => size !== 0),
  entry: fc.integer({ min: 50, max: 150 }),
  mode: fc.constantFrom('cross' as const, 'isolated' as const),
  leverage: fc.integer({ min: 2, max: 20 }),
  tiers: anyTiers,
})
const openings = fc
  .array(opening, { minLength: 1, maxLength: 5 })
  .map((list) => list.map((position, i): Opening => ({ ...position, coin: `C${i}` })))

/** Micro-dollars: all initial margins, the cross ones times `factor`. */
function depositFor(list: readonly Opening[], factor: number): number {
  let dollars = 1
  for (const { size, entry, leverage, mode } of list) {
    dollars += ((Math.abs(size) * entry) / leverage) * (mode === 'cross' ? factor : 1)
  }
  return Math.round(dollars * MICRO)
}

describe('any portfolio on any path', () => {
  // A fifth of the marks is not known; moves are even, where doubles would mostly be tiny.
  const move = fc.integer({ min: -25, max: 37 }).map((percent) => (percent > 25 ? Number.NaN : percent / 150))
  const step = fc.record({
    moves: fc.array(move, { minLength: 5, maxLength: 5 }),
    slip: fc.constantFrom(0, 0.002, 0.05),
    share: fc.constantFrom(1, 1, 0.5, 0),
  })
  const path = fc.array(step, { minLength: 1, maxLength: 6 })
  const spare = fc.double({ min: 0.3, max: 1.5, noNaN: true })

  it('is liquidated when it is below, never when it is above, and never owes', () => {
    const seen = { quiet: 0, market: 0, backstop: 0, debt: 0 }
    fc.assert(
      fc.property(openings, path, spare, (list, steps, factor) => {
        const portfolio = openPortfolio(depositFor(list, factor), list)
        const tiers = keptBy(list)
        const { account } = portfolio.journal.state
        const prices = list.map(({ entry }) => entry)

        steps.forEach(({ moves, slip, share }, n) => {
          const marks = new Map<string, number>()
          list.forEach(({ coin }, i) => {
            if (Number.isNaN(moves[i])) return
            prices[i] *= Math.exp(moves[i])
            if (account.holdings.get(coin)!.size !== 0) marks.set(coin, prices[i])
          })
          const before = structuredClone(account)
          const events = look(portfolio, Object.fromEntries(marks), n + 1, slip, share)
          const liquidations = only(events, 'liquidation')

          // Those below, and no other.
          const cross = standing(before, tiers, marks)
          const crossTouched = liquidations.some(({ mode }) => mode === 'cross')
          if (!cross.doubtful) expect(crossTouched).toBe(cross.below)
          for (const [coin, was] of before.holdings) {
            const now = account.holdings.get(coin)!
            if (was.mode === 'cross') {
              if (!crossTouched) expect(now).toEqual(was)
              continue
            }
            if (was.size === 0) continue
            const alone = standing(before, tiers, marks, coin)
            const touched = liquidations.some(({ mode, coins }) => mode === 'isolated' && coins.includes(coin))
            if (!alone.doubtful) expect(touched).toBe(alone.below)
            if (!touched) expect(now).toEqual(was)
            if (now.size === 0) expect(now.rawUsd).toBe(0)
            else if (alone.known) expect(standing(account, tiers, marks, coin).margin).toBeGreaterThan(0)
          }

          // Nobody owes; who is still below was not sold in full, and is not below two thirds.
          if (cross.known || cross.needed === 0) {
            expect(crossAccountValue(account, marks)).toBeGreaterThanOrEqual(0)
          }
          const after = standing(account, tiers, marks)
          if (after.below && !after.doubtful) {
            expect(after.margin).toBeGreaterThan((after.needed * 2) / 3 - 1e-4)
            expect(share).toBeLessThan(1)
          }

          // Nothing is lost but what the announced fills say.
          let announced: readonly string[] = []
          let lost = 0
          for (const event of events) {
            if (event.kind === 'liquidation') announced = event.coins
            if (event.kind !== 'fill') continue
            expect(announced).toContain(event.coin)
            lost += event.fee + event.slippage
          }
          expect(Math.abs(worth(before, marks) - worth(account, marks) - lost)).toBeLessThan(0.01 * MICRO)

          for (const [coin, price] of marks) {
            if (account.holdings.get(coin)!.size === 0) continue
            portfolio.journal.record({ kind: 'mark', time: n + 1, coin, price, stale: false })
          }
          if (liquidations.length === 0) seen.quiet++
          for (const { method, accountValue } of liquidations) {
            seen[method]++
            if (accountValue < 0) seen.debt++
          }
        })
        expect(portfolio.reopen().state.account).toEqual(account)
      }),
      { numRuns: 1_000 },
    )
    // The paths lead everywhere.
    for (const times of Object.values(seen)) expect(times).toBeGreaterThan(20)
  })

  it('is liquidated just beyond the liquidation price of a coin, and not just before', () => {
    let found = 0
    fc.assert(
      fc.property(openings, (list) => {
        const [{ coin, size, mode }] = list
        const open = () => openPortfolio(depositFor(list, 1.5), list)
        const { journal, listings } = open()
        const price = liquidationPriceOf(journal.state.account, coin, listings)
        const alone = mode === 'isolated' ? coin : undefined
        const { margin, needed } = standing(journal.state.account, keptBy(list), new Map(), alone)
        // Opened with less than its maintenance margin: it is beyond already.
        if (price === null || margin <= needed) return
        found++
        const side = Math.sign(size)
        expect(only(look(open(), { [coin]: price * (1 + side * 1e-6) }), 'liquidation')).toEqual([])
        expect(only(look(open(), { [coin]: price * (1 - side * 1e-6) }), 'liquidation')).not.toEqual([])
      }),
      { numRuns: 500 },
    )
    expect(found).toBeGreaterThan(50)
  })
})
