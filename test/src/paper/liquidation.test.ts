import { describe, expect, it } from 'vitest'
import { equityOf } from '#src/account/account.ts'
import type { FillEvent, LedgerEvent } from '#src/ledger/events.ts'
import { LIQUIDATION } from '#src/ledger/state.ts'
import { fundIsolated, releaseMargin, shrinkMargin } from '#src/paper/isolated.ts'
import { checkLiquidations } from '#src/paper/liquidation.ts'
import { crossAccountValue } from '#src/paper/margin.ts'
import { look, type Opening, only, openPortfolio, type Portfolio, tiersOf } from './portfolio.ts'

const kinds = (events: readonly LedgerEvent[]) => events.map(({ kind }) => kind)
const held = ({ journal }: Portfolio, coin: string) => journal.state.account.holdings.get(coin)!

/** 100 dollars of margin behind 1,000, 20x at most: maintenance margin 2.5 %, liquidated at 900 / 9.75 = 92.3077. */
const LONG: Opening = { coin: 'A', size: 10, entry: 100, mode: 'cross', leverage: 10 }
const BARELY = 100_000_000

describe('a cross account', () => {
  it('is left alone down to its liquidation price', () => {
    const portfolio = openPortfolio(BARELY, [LONG])
    expect(look(portfolio, { A: 92.3078 })).toEqual([])
    expect(kinds(look(portfolio, { A: 92.3076 }))).toEqual(['liquidation', 'fill'])
  })

  it('is closed at the market, and keeps what is left over', () => {
    const portfolio = openPortfolio(BARELY, [LONG])
    const [liquidation, fill] = look(portfolio, { A: 92 })
    expect(liquidation).toEqual({
      kind: 'liquidation',
      time: 1,
      mode: 'cross',
      coins: ['A'],
      method: 'market',
      accountValue: 20_000_000,
      maintenance: 23_000_000,
    })
    expect(fill).toMatchObject({ cloid: LIQUIDATION, coin: 'A', size: -10, price: 92, fee: 414_000 })
    expect(portfolio.journal.state.account.cash).toBe(20_000_000 - 414_000)
    expect(portfolio.journal.state.history.trades).toMatchObject([{ coin: 'A', reason: 'liquidation' }])
  })

  it('loses the maintenance margin to the vault below two thirds of it', () => {
    // 15.29 of 22.8822 dollars at 91.529, two thirds are at 90 / 0.98333 = 91.5254.
    expect(look(openPortfolio(BARELY, [LONG]), { A: 91.529 })[0]).toMatchObject({ method: 'market' })
    const portfolio = openPortfolio(BARELY, [LONG])
    const [liquidation, fill] = look(portfolio, { A: 91.5 })
    expect(liquidation).toMatchObject({ method: 'backstop', accountValue: 15_000_000, coins: ['A'] })
    expect(fill).toMatchObject({ size: -10, price: 90, notional: -900_000_000, fee: 0, slippage: 15_000_000 })
    expect(portfolio.journal.state.account.cash).toBe(0)
    expect(held(portfolio, 'A').realised).toBe(-100_000_000)
  })

  it('owes nothing where the market jumped past what it had', () => {
    for (const [opening, price] of [
      [LONG, 50],
      [{ ...LONG, size: -10 }, 200],
    ] as const) {
      const portfolio = openPortfolio(BARELY, [opening])
      const [liquidation, fill] = look(portfolio, { A: price })
      expect(liquidation).toMatchObject({
        method: 'backstop',
        accountValue: -400_000_000 - (price === 200 ? 500e6 : 0),
      })
      // Closed where the margin ends, on the side of the entry.
      expect(fill).toMatchObject({ price: price === 50 ? 90 : 110, fee: 0 })
      expect(equityOf(portfolio.journal.state.account)).toBe(0)
    }
  })

  it('never gets a worse price than leaves nothing', () => {
    const portfolio = openPortfolio(BARELY, [LONG])
    const [, fill] = look(portfolio, { A: 92 }, 1, 0.5)
    // 90 dollars would cost all, before the fee.
    expect((fill as FillEvent).price).toBeCloseTo(90 / (1 - 0.00045), 6)
    const { cash } = portfolio.journal.state.account
    expect(cash).toBeGreaterThanOrEqual(0)
    expect(cash).toBeLessThanOrEqual(6)
  })

  it('is not lost to rounding where an order is filled in parts', () => {
    for (let spare = 0; spare < 1_000_000; spare += 23_451) {
      const { journal, listings, booksAt } = openPortfolio(BARELY + spare, [LONG])
      const marks = new Map([['A', 92]])
      const close = booksAt(marks, 1)
      checkLiquidations(journal, marks, 1, listings, (coin, size, time, worst) => {
        for (const part of [0.333, 0.111, 0.556]) close(coin, size * part, time, worst)
      })
      expect(journal.state.account.cash).toBeGreaterThanOrEqual(0)
      expect(journal.state.account.cash).toBeLessThanOrEqual(8)
    }
  })

  it('fails closed where the venue lost more than there was', () => {
    const { journal, listings, booksAt } = openPortfolio(BARELY, [LONG])
    const marks = new Map([['A', 92]])
    const close = booksAt(new Map([['A', 89]]))
    expect(() =>
      checkLiquidations(journal, marks, 1, listings, (coin, size, time) => close(coin, size, time, 0)),
    ).toThrow(
      expect.objectContaining({ action: 'fail-closed', message: expect.stringContaining('where 20 were left') }),
    )
  })

  it('gives up the position with the largest maintenance margin first, and stops when out of danger', () => {
    const openings: Opening[] = [
      { coin: 'A', size: 10, entry: 100, mode: 'cross', leverage: 10 },
      { coin: 'B', size: 8, entry: 100, mode: 'cross', leverage: 10, tiers: tiersOf([0, 10]) },
      { coin: 'C', size: -1, entry: 100, mode: 'cross', leverage: 10 },
    ]
    const portfolio = openPortfolio(250_000_000, openings)
    // 250 - 140 - 56 + 0 = 54 of 21.5 + 37.2 + 2.5: B alone is enough, although A is the larger one.
    const events = look(portfolio, { A: 86, B: 93, C: 100 })
    expect(only(events, 'liquidation')).toMatchObject([{ coins: ['B'], accountValue: 54_000_000 }])
    expect(only(events, 'fill').map(({ coin }) => coin)).toEqual(['B'])
    expect(look(portfolio, { A: 86, B: 93, C: 100 })).toEqual([])
  })

  it('is taken over whole, each position giving in proportion to its maintenance margin', () => {
    const portfolio = openPortfolio(100_000_000, [
      { coin: 'A', size: 10, entry: 100, mode: 'cross', leverage: 20 },
      { coin: 'B', size: -5, entry: 100, mode: 'cross', leverage: 20, tiers: tiersOf([0, 10]) },
    ])
    // 100 - 90 = 10 dollars of 22.75 + 25.
    const events = look(portfolio, { A: 91, B: 100 })
    expect(events[0]).toMatchObject({ method: 'backstop', coins: ['B', 'A'], maintenance: 47_750_000 })
    const given = only(events, 'fill').map(({ coin, slippage }) => [coin, slippage])
    expect(given).toEqual([
      ['B', Math.round((10_000_000 * 25) / 47.75)],
      ['A', 10_000_000 - Math.round((10_000_000 * 25) / 47.75)],
    ])
    expect(equityOf(portfolio.journal.state.account)).toBe(0)
  })

  it('credits a debt to the positions that lost, as far as they lost', () => {
    const portfolio = openPortfolio(100_000_000, [
      { coin: 'A', size: 10, entry: 100, mode: 'cross', leverage: 20 },
      { coin: 'B', size: -5, entry: 100, mode: 'cross', leverage: 20 },
      { coin: 'C', size: 1, entry: 100, mode: 'cross', leverage: 20 },
    ])
    // Losses of 600 and 300, a gain of 50: 750 dollars are missing.
    const fills = only(look(portfolio, { A: 40, B: 160, C: 150 }), 'fill')
    const prices = Object.fromEntries(fills.map(({ coin, price }) => [coin, price]))
    expect(prices.A).toBeCloseTo(40 + 500 / 10, 9)
    expect(prices.B).toBeCloseTo(160 - 250 / 5, 9)
    expect(prices.C).toBe(150)
    expect(equityOf(portfolio.journal.state.account)).toBe(0)
  })

  describe('that owed more than its positions lost', () => {
    /** Funding that was paid beyond what was there. */
    function indebted(paid: number, ...coins: readonly string[]) {
      const both: Opening[] = [
        { coin: 'A', size: 10, entry: 100, mode: 'cross', leverage: 20 },
        { coin: 'B', size: -5, entry: 100, mode: 'cross', leverage: 20 },
      ]
      const portfolio = openPortfolio(
        100_000_000,
        both.filter(({ coin }) => coins.includes(coin)),
      )
      const amount = -paid * 1_000_000
      portfolio.journal.record({ kind: 'funding', time: 1, coin: 'B', size: -5, price: 100, rate: -1, amount })
      return portfolio
    }

    it('is relieved at the price of its longs', () => {
      const portfolio = indebted(500, 'A', 'B')
      // 100 - 500 - 5 dollars; only B lost.
      const fills = only(look(portfolio, { A: 100, B: 101 }), 'fill')
      expect(fills.map(({ coin, price }) => [coin, price])).toEqual([
        ['A', 140.5],
        ['B', 101],
      ])
      expect(equityOf(portfolio.journal.state.account)).toBe(0)
    })

    it('is relieved at the price of its shorts where it has no longs', () => {
      const portfolio = indebted(150, 'B')
      expect(only(look(portfolio, { B: 100 }), 'fill')).toMatchObject([{ coin: 'B', price: 90 }])
      expect(equityOf(portfolio.journal.state.account)).toBe(0)
    })

    it('fails closed where no price is low enough for that', () => {
      expect(() => look(indebted(700, 'B'), { B: 100 })).toThrow(
        expect.objectContaining({ action: 'fail-closed', message: expect.stringContaining('a debt of 600 dollars') }),
      )
    })
  })

  it('is not looked at where none of its positions has a mark', () => {
    const portfolio = openPortfolio(BARELY, [LONG, { ...LONG, coin: 'B', size: 1, mode: 'isolated' }])
    portfolio.journal.record({
      kind: 'funding',
      time: 1,
      coin: 'A',
      size: 10,
      price: 100,
      rate: 0.09,
      amount: -90_000_000,
    })
    expect(look(portfolio, {})).toEqual([])
    expect(look(portfolio, { A: Number.NaN })).toEqual([])
    expect(look(portfolio, { B: 100 })).toEqual([])
    expect(kinds(look(portfolio, { A: 100 }))).toContain('liquidation')
  })

  it('sends no order for a position without a mark, though it counts at its last one', () => {
    const portfolio = openPortfolio(200_000_000, [
      { coin: 'A', size: 10, entry: 100, mode: 'cross', leverage: 10, tiers: tiersOf([0, 10]) },
      { coin: 'B', size: 10, entry: 100, mode: 'cross', leverage: 10 },
    ])
    // 200 - 130 = 70 of 50 + 21.75.
    const events = look(portfolio, { B: 87 })
    expect(only(events, 'fill').map(({ coin }) => coin)).toEqual(['B'])
    // 200 - 180 = 20 of 25 + 20.5: the vault takes both.
    expect(only(look(openPortfolio(200_000_000, [LONG, { ...LONG, coin: 'B' }]), { B: 82 }), 'fill')).toHaveLength(2)
  })

  it('refuses marks that are no prices, and positions that are not listed', () => {
    const portfolio = openPortfolio(BARELY, [LONG])
    for (const mark of [0, -1, Number.POSITIVE_INFINITY]) {
      expect(() => look(portfolio, { A: mark })).toThrow(/A: a mark of .* is not a price/)
    }
    const { journal, booksAt } = portfolio
    const marks = new Map([['A', 100]])
    expect(() => checkLiquidations(journal, marks, 1, new Map(), booksAt(marks))).toThrow(/held and not listed/)
  })
})

describe('a large position', () => {
  // 120,000 dollars with 12,000 behind: maintenance margin 2.5 %.
  const large: Opening = { coin: 'A', size: 1_200, entry: 100, mode: 'cross', leverage: 10 }

  it('is sent to the book by a fifth, and whole when that was not enough', () => {
    const portfolio = openPortfolio(12_000_000_000, [large])
    // 2,700 of 2,767.5 dollars; a fifth frees 553.5 and costs 10.
    const [first, second] = [look(portfolio, { A: 92.25 }, 1), look(portfolio, { A: 91.7 }, 2)]
    expect(only(first, 'fill').map(({ size }) => size)).toEqual([-240])
    // 2,162 of 2,200.8; and 960 coins are below 100,000 dollars.
    expect(only(second, 'fill').map(({ size }) => size)).toEqual([-960])

    const deep = openPortfolio(12_000_000_000, [large])
    // 2,040 of 2,754 dollars; a fifth frees 551 and costs 10.
    const sizes = only(look(deep, { A: 91.7 }), 'fill').map(({ size }) => size)
    expect(sizes).toEqual([-240, -960])
    expect(only(deep.events(), 'liquidation').map(({ coins }) => coins)).toEqual([['A'], ['A']])
  })

  it('goes to the vault when the first part cost too much', () => {
    const beside: Opening = { coin: 'B', size: 500, entry: 100, mode: 'cross', leverage: 10 }
    const portfolio = openPortfolio(12_300_000_000, [large, beside])
    // 2,700 of 4,010 dollars; the first part costs 441.6 and a fee of 9.74, and 2,248.7 are less than 2/3 of 3,458.
    const events = look(portfolio, { A: 92, B: 100 }, 1, 0.02)
    const methods = only(events, 'liquidation').map(({ method, coins }) => [method, ...coins])
    expect(methods).toEqual([
      ['market', 'A'],
      ['backstop', 'A', 'B'],
    ])
    expect(equityOf(portfolio.journal.state.account)).toBe(0)
  })

  it('leaves only whole orders for the positions after it', () => {
    const openings = ['A', 'B'].map((coin) => ({ ...large, coin }))
    const events = look(openPortfolio(24_000_000_000, openings), { A: 91.7, B: 91.7 })
    // Of two equal ones the first by name; then the larger one, whole.
    expect(only(events, 'fill').map(({ coin, size }) => [coin, size])).toEqual([
      ['A', -240],
      ['B', -1200],
    ])
  })
})

describe('an isolated position', () => {
  const isolated: Opening = { ...LONG, mode: 'isolated' }
  const beside: Opening = { coin: 'B', size: -10, entry: 50, mode: 'isolated', leverage: 10 }

  it('is closed alone, and gives back what is left over', () => {
    const portfolio = openPortfolio(1_000_000_000, [isolated, beside, { ...LONG, coin: 'C' }])
    const others = structuredClone([held(portfolio, 'B'), held(portfolio, 'C')])
    expect(look(portfolio, { A: 92.3078, B: 50, C: 100 })).toEqual([])
    const events = look(portfolio, { A: 92, B: 50, C: 100 })
    expect(kinds(events)).toEqual(['liquidation', 'fill', 'transfer'])
    expect(events[0]).toMatchObject({ mode: 'isolated', method: 'market', accountValue: 20_000_000, coins: ['A'] })
    expect(events[2]).toMatchObject({ amount: -(20_000_000 - 414_000) })
    expect([held(portfolio, 'B'), held(portfolio, 'C')]).toEqual(others)
    expect(held(portfolio, 'A')).toMatchObject({ size: 0, rawUsd: 0 })
  })

  it('takes nothing with it but its own margin', () => {
    for (const price of [91.5, 60]) {
      const portfolio = openPortfolio(1_000_000_000, [isolated, beside])
      const events = look(portfolio, { A: price, B: 50 })
      expect(events.map((event) => [event.kind, 'method' in event ? event.method : ''])).toEqual([
        ['liquidation', 'backstop'],
        ['fill', ''],
      ])
      expect(events[1]).toMatchObject({ price: 90 })
      expect(held(portfolio, 'A').rawUsd).toBe(0)
      expect(crossAccountValue(portfolio.journal.state.account)).toBe(850_000_000)
    }
  })

  it('has the opening and closing orders that rest for it cancelled by the vault', () => {
    const { journal, listings, booksAt, events } = openPortfolio(1_000_000_000, [isolated])
    const order = { coin: 'A', size: 1, limitPrice: 80, timeInForce: 'Gtc', reduceOnly: false } as const
    const plan = { direction: 1, holdUntil: 2, trendProbability: 0, edge: 0, sources: {} } as const
    for (const [cloid, coin] of [
      ['0x1', 'A'],
      ['0x2', 'B'],
    ]) {
      const purpose = { opens: plan }
      journal.record({ kind: 'intent', time: 0, coin, order: { ...order, cloid, coin }, referencePrice: 100, purpose })
      journal.record({ kind: 'order', time: 0, coin, cloid, status: 'open', remaining: 1 })
    }
    const marks = new Map([['A', 91]])
    checkLiquidations(journal, marks, 1, listings, booksAt(marks))
    expect([...journal.state.openOrders.keys()]).toEqual(['0x2'])
    expect(events().at(-2)).toMatchObject({ kind: 'order', status: 'cancelled', message: 'liquidatedCanceled' })
  })
})

describe('isolated margin', () => {
  it('comes from the cross account and goes back whole when the position is closed', () => {
    const { journal, events } = openPortfolio(1_000_000_000, [{ ...LONG, mode: 'isolated' }])
    const opened = events().length
    releaseMargin(journal, 'A', 1)
    fundIsolated(journal, 'A', 0, 1)
    expect(events()).toHaveLength(opened)
    fundIsolated(journal, 'A', 5_000_000, 1)
    expect(journal.state.account.holdings.get('A')!.rawUsd).toBe(-900_000_000 + 5_000_000)
    shrinkMargin(journal, 'A', 0.4, 1)
    expect(journal.state.account.holdings.get('A')!.rawUsd).toBe(-900_000_000 + 5_000_000 - 42_000_000)
    expect(crossAccountValue(journal.state.account)).toBe(937_000_000)
    releaseMargin(journal, 'B', 1)
    shrinkMargin(journal, 'B', 1, 1)
    expect(journal.state.account.holdings.has('B')).toBe(false)
  })

  it('is refused to a cross position', () => {
    const { journal } = openPortfolio(1_000_000_000, [LONG])
    expect(() => fundIsolated(journal, 'A', 1, 1)).toThrow(/only be moved into an isolated position/)
    expect(() => fundIsolated(journal, 'B', 1, 1)).toThrow(/only be moved into an isolated position/)
  })
})
