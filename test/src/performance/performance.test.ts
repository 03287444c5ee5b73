import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { equityOf } from '#src/account/account.ts'
import { toMicro } from '#src/account/money.ts'
import type { FillEvent, IntentEvent, LedgerEvent } from '#src/ledger/events.ts'
import { applyEvent, createLedgerState } from '#src/ledger/state.ts'
import { apportion, attributionOf, type Split } from '#src/performance/attribution.ts'
import { performanceOf, performanceWithin } from '#src/performance/performance.ts'
import { makeBooks, START } from './books.ts'

const sumOf = (splits: Readonly<Record<string, Split>>) => Object.values(splits).reduce((sum, { net }) => sum + net, 0)
const at = (hours: number) => START + hours * HOUR

function stateAfter(events: Iterable<LedgerEvent>) {
  const state = createLedgerState()
  for (const event of events) applyEvent(state, event)
  return state
}

describe('dividing micro-dollars', () => {
  it('gives what is left over to the largest remainders', () => {
    expect(apportion(10, { a: 1, b: 1, c: 1 })).toEqual({ a: 4, b: 3, c: 3 })
    expect(apportion(-10, { a: 1, b: 1, c: 1 })).toEqual({ a: -4, b: -3, c: -3 })
    expect(apportion(100, { b: 0.335, a: 0.665 })).toEqual({ a: 67, b: 33 })
    expect(apportion(0, { a: 0.5, b: 0.5 })).toEqual({ a: 0, b: 0 })
  })

  it('adds up for any amount and shares, within one of the exact share', () => {
    const share = fc.oneof(fc.double({ min: 1e-6, max: 1, noNaN: true }), fc.constant(0))
    const amount = fc.integer({ min: -1e13, max: 1e13 })
    fc.assert(
      fc.property(amount, fc.array(share, { minLength: 1, maxLength: 6 }), (whole, parts) => {
        fc.pre(parts.some((part) => part > 0))
        const shares = Object.fromEntries(parts.map((part, i) => [`s${i}`, part]))
        const total = parts.reduce((sum, part) => sum + part, 0)
        const split = apportion(whole, shares)
        expect(Object.values(split).reduce((sum, part) => sum + part, 0)).toBe(whole)
        for (const [name, part] of Object.entries(split)) {
          expect(Math.abs(part - (whole * shares[name]) / total)).toBeLessThan(1.01)
        }
      }),
    )
  })

  it('refuses what is no division', () => {
    expect(() => apportion(1, {})).toThrow(/shares/)
    expect(() => apportion(1, { a: 0 })).toThrow(/shares/)
    expect(() => apportion(1, { a: 2, b: -1 })).toThrow(/shares/)
    expect(() => apportion(1, { a: Number.NaN })).toThrow(/shares/)
  })
})

describe('attribution', () => {
  const intent = (time: number, cloid: string, size: number, purpose: IntentEvent['purpose']): IntentEvent => ({
    kind: 'intent',
    time,
    coin: 'ETH',
    order: { cloid, coin: 'ETH', size, limitPrice: 1, timeInForce: 'Ioc', reduceOnly: false },
    referencePrice: 100,
    purpose,
  })
  const fill = (time: number, cloid: string, size: number, price: number, rest: Partial<FillEvent>): FillEvent => ({
    kind: 'fill',
    time,
    coin: 'ETH',
    cloid,
    size,
    price,
    notional: toMicro(size * price),
    fee: toMicro(1),
    liquidity: 'taker',
    slippage: 0,
    closedPnl: 0,
    ...rest,
  })
  const sources = { 'ou-funding': 0.75, 'kalman-funding': 0.25 }
  const plan = { direction: 1, holdUntil: 0, trendProbability: 0, edge: 0, sources } as const
  // Bought 10 at 101 (decided at 100), sold at 109 (decided at 110): price +100, slippage 20, fees 2, funding 4.
  const events: LedgerEvent[] = [
    { kind: 'deposit', time: 0, amount: toMicro(10_000) },
    intent(0, '0x01', 10, { opens: plan }),
    fill(1, '0x01', 10, 101, { slippage: toMicro(10) }),
    { kind: 'funding', time: HOUR, coin: 'ETH', size: 10, price: 100, rate: -0.004, amount: toMicro(4) },
    { kind: 'hour', time: HOUR, equity: toMicro(10_003), gross: toMicro(1_010), net: toMicro(1_010) },
    intent(HOUR, '0x02', -10, { closes: 'horizon' }),
    fill(HOUR + 1, '0x02', -10, 109, { slippage: toMicro(10), closedPnl: toMicro(80) }),
    { kind: 'hour', time: 2 * HOUR, equity: toMicro(10_082), gross: 0, net: 0 },
  ]

  it('tells price, funding, fees and slippage apart, and credits sources by their shares', () => {
    const whole = {
      price: toMicro(100),
      funding: toMicro(4),
      fees: toMicro(2),
      slippage: toMicro(20),
      net: toMicro(82),
    }
    const attribution = attributionOf(stateAfter(events))
    expect(attribution.total).toEqual(whole)
    expect(attribution.byCoin).toEqual({ ETH: whole })
    expect(attribution.bySource['ou-funding']).toEqual({
      price: toMicro(75),
      funding: toMicro(3),
      fees: toMicro(1.5),
      slippage: toMicro(15),
      net: toMicro(61.5),
    })
    expect(sumOf(attribution.bySource)).toBe(toMicro(82))
  })

  it('has turnover from all fills, and hours, trades and return of the range', () => {
    const performance = performanceWithin(events)
    expect(performance.equity).toEqual({
      opening: toMicro(10_000),
      closing: toMicro(10_082),
      paidIn: 0,
      change: toMicro(82),
    })
    expect(performance.range).toEqual({ from: 0, to: 2 * HOUR })
    expect(performance.totalReturn).toBeCloseTo(0.0082, 12)
    expect(performance.turnover).toBeCloseTo(((1_010 + 1_090) / 10_042.5) * (8760 / 2), 8)
    expect(performance.trades).toMatchObject({ count: 1, winRate: 1 })

    const first = performanceWithin(events, { range: { from: 0, to: HOUR } })
    expect(first.trades).toMatchObject({ count: 0, winRate: { unavailable: 'no trade was closed' } })
    expect(first.attribution.total).toEqual({
      price: toMicro(10),
      funding: toMicro(4),
      fees: toMicro(1),
      slippage: toMicro(10),
      net: toMicro(3),
    })
    const second = performanceWithin(events, { range: { from: HOUR, to: 2 * HOUR } })
    expect(second.equity).toMatchObject({ opening: toMicro(10_003), change: toMicro(79) })
    expect(second.attribution.total).toMatchObject({ price: toMicro(90), funding: 0, net: toMicro(79) })
  })

  it('takes money that comes in later neither for a return nor for a result', () => {
    const later: LedgerEvent[] = [
      ...events,
      { kind: 'deposit', time: 2 * HOUR + 5, amount: toMicro(5_000) },
      { kind: 'hour', time: 3 * HOUR, equity: toMicro(15_082), gross: 0, net: 0 },
    ]
    const whole = performanceWithin(later)
    expect(whole.equity).toMatchObject({ opening: toMicro(10_000), paidIn: toMicro(5_000), change: toMicro(82) })
    expect(whole.totalReturn).toBeCloseTo(0.0082, 12)
    const last = performanceWithin(later, { range: { from: 2 * HOUR, to: 3 * HOUR } })
    expect(last.equity).toMatchObject({ opening: toMicro(10_082), paidIn: toMicro(5_000), change: 0 })
    const others = [{ time: 0, amount: 1 }]
    expect(() => performanceOf(stateAfter(later), { deposits: others })).toThrow(/not those of the account/)
  })

  it('leaves money of a coin without a position to nobody', () => {
    const late: LedgerEvent = { kind: 'funding', time: 2 * HOUR, coin: 'BTC', size: 0, price: 1, rate: null, amount: 7 }
    const attribution = attributionOf(stateAfter([...events, late]))
    expect(attribution.bySource.unattributed).toMatchObject({ funding: 7, net: 7 })
    expect(attribution.total.net).toBe(toMicro(82) + 7)
  })

  it('says that a ledger without hours can tell nothing', () => {
    const performance = performanceWithin(events.slice(0, 1))
    const none = { unavailable: 'no hour was told' }
    expect(performance).toMatchObject({ range: undefined, totalReturn: none, drawdown: none, turnover: none })
    expect(performance.sharpe).toHaveProperty('unavailable')
    expect(performanceOf(stateAfter(events)).turnover).toEqual({ unavailable: 'the fills are not known' })
  })

  it('fails closed where the account was changed beside its events', () => {
    const state = stateAfter(events)
    state.account.holdings.get('ETH')!.funding += 1
    expect(() => performanceOf(state)).toThrow(/does not add up/)
  })
})

describe('any ledger', () => {
  const seeds = fc.integer({ min: 1, max: 1e6 })

  it('has a result whose coins and sources add up to the change of equity to the micro-dollar', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 40 }), (seed, hours) => {
        const events = makeBooks(seed, hours)
        const state = stateAfter(events)
        const { attribution, equity } = performanceWithin(events)
        const change = equityOf(state.account) - state.account.deposits
        expect(equity.change).toBe(change)
        expect(attribution.total.net).toBe(change)
        expect(sumOf(attribution.byCoin)).toBe(change)
        expect(sumOf(attribution.bySource)).toBe(change)
        for (const part of ['price', 'funding', 'fees', 'slippage'] as const) {
          const over = Object.values(attribution.bySource).reduce((sum, split) => sum + split[part], 0)
          expect(over).toBe(attribution.total[part])
        }
        // The account's own books say the same of each part.
        const fees = [...state.account.holdings.values()].reduce((sum, holding) => sum + holding.fees, 0)
        expect(attribution.total.fees).toBe(fees)
      }),
      { numRuns: 60 },
    )
  })

  it('can be cut in two anywhere: both halves add up to the whole', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 19 }), (seed, cut) => {
        const events = makeBooks(seed, 20)
        const whole = performanceWithin(events)
        const first = performanceWithin(events, { range: { from: START, to: at(cut) } })
        const second = performanceWithin(events, { range: { from: at(cut), to: at(20) } })
        expect(first.equity.change + second.equity.change).toBe(whole.equity.change)
        expect(first.equity.closing).toBe(second.equity.opening)
        expect(first.hours + second.hours).toBe(20)
        expect(first.trades.count + second.trades.count).toBe(whole.trades.count)
        for (const [source, { net }] of Object.entries(whole.attribution.bySource)) {
          const of = (part: typeof whole) => part.attribution.bySource[source]?.net ?? 0
          expect(of(first) + of(second)).toBe(net)
        }
      }),
      { numRuns: 40 },
    )
  })

  it('is not changed by what comes after the range', () => {
    const events = makeBooks(7, 30)
    const end = events.findIndex((event) => event.kind === 'hour' && event.time === at(18))
    const range = { from: START, to: at(18) }
    expect(performanceWithin(events, { range })).toEqual(performanceWithin(events.slice(0, end + 1), { range }))
  })
})
