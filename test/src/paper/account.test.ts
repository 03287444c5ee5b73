import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WheelOptions } from '#src/options.ts'
import { checkIdentity, createAccount, holdingOf, holdingTotals, record, replay, totals } from '#src/paper/account.ts'
import { fillOrder, markHolding, settleFunding, sizeFor } from '#src/paper/exchange.ts'
import { toMicro } from '#src/paper/money.ts'

const exchange = { ...WheelOptions.parse({}).exchange, slippage: 0 }
const START = toMicro(10_000)
const at = (time: number, price: number, funding = Number.NaN) => ({ time, price, funding })

describe('paper account', () => {
  it('realises a long and a short exactly', () => {
    const account = createAccount(START)
    fillOrder(account, { number: 0, coin: 'BTC', size: 0.01 }, at(1, 80_000), exchange)
    fillOrder(account, { number: 1, coin: 'BTC', size: -0.01 }, at(2, 81_000), exchange)
    fillOrder(account, { number: 2, coin: 'BTC', size: -0.01 }, at(3, 81_000), exchange)
    fillOrder(account, { number: 3, coin: 'BTC', size: 0.01 }, at(4, 80_500), exchange)
    const fees = 360_000 + 364_500 + 364_500 + 362_250
    expect(checkIdentity(account)).toEqual({
      realised: 10_000_000 + 5_000_000,
      unrealised: 0,
      funding: 0,
      fees,
      equityChange: 15_000_000 - fees,
    })
  })

  it('charges 0.045 % of the filled notional on each side', () => {
    const account = createAccount(START)
    const { fee } = fillOrder(account, { number: 0, coin: 'ETH', size: -2 }, at(1, 1_234.5), exchange)
    expect(fee).toBe(Math.round(2 * 1_234.5 * 0.00045 * 1e6))
    expect(account.events.at(-1)).toMatchObject({ kind: 'fee', order: 0, amount: 1_111_050 })
  })

  it('makes fills worse by the slippage on both sides', () => {
    const account = createAccount(START)
    const worse = { ...exchange, slippage: 0.001 }
    expect(fillOrder(account, { number: 0, coin: 'ETH', size: 1 }, at(1, 1_000), worse).price).toBeCloseTo(1_001, 9)
    expect(fillOrder(account, { number: 1, coin: 'ETH', size: -1 }, at(2, 1_000), worse).price).toBeCloseTo(999, 9)
    expect(totals(account).realised).toBe(-2_000_000)
  })

  it('lets longs pay shorts where funding is positive, and the reverse', () => {
    for (const [size, rate, amount] of [
      [0.5, 1e-4, -50_000],
      [-0.5, 1e-4, 50_000],
      [0.5, -1e-4, 50_000],
      [-0.5, -1e-4, -50_000],
    ]) {
      const account = createAccount(START)
      fillOrder(account, { number: 0, coin: 'ETH', size }, at(1, 1_000), exchange)
      expect(settleFunding(account, 'ETH', at(2, 1_000, rate))).toBe(true)
      expect(totals(account).funding).toBe(amount)
      checkIdentity(account)
    }
  })

  it('charges nothing for an unknown rate and says so, and nothing at all when flat', () => {
    const account = createAccount(START)
    expect(settleFunding(account, 'ETH', at(1, 1_000))).toBe(true)
    fillOrder(account, { number: 0, coin: 'ETH', size: 1 }, at(1, 1_000), exchange)
    expect(settleFunding(account, 'ETH', at(2, 1_000))).toBe(false)
    expect(account.events.at(-1)).toMatchObject({ kind: 'funding', rate: null, amount: 0 })
    expect(totals(account).funding).toBe(0)
  })

  it('keeps the old mark where there is no price', () => {
    const account = createAccount(START)
    fillOrder(account, { number: 0, coin: 'ETH', size: 1 }, at(1, 1_000), exchange)
    expect(markHolding(account, 'ETH', at(2, 1_010))).toBe(true)
    expect(markHolding(account, 'ETH', at(3, Number.NaN))).toBe(false)
    expect(totals(account).unrealised).toBe(10_000_000)
  })

  it('refuses fractions of a micro-dollar and events out of order', () => {
    const account = createAccount(START)
    record(account, { kind: 'mark', time: 5, coin: 'ETH', price: 1 })
    expect(() => record(account, { kind: 'mark', time: 4, coin: 'ETH', price: 1 })).toThrow(/before the last event/)
    expect(() => record(account, { kind: 'fee', time: 5, coin: 'ETH', order: 0, amount: 0.5 })).toThrow(/whole number/)
    expect(() => createAccount(0.5)).toThrow(/whole micro-dollars/)
    expect(() => toMicro(1e12)).toThrow(/cannot be counted/)
  })

  it('rounds a flow and its mirror image alike', () => {
    expect(toMicro(0.0000005)).toBe(1)
    expect(toMicro(-0.0000005)).toBe(-1)
    expect(Object.is(toMicro(-0.0000001), 0)).toBe(true)
  })

  it('sizes down to the lot', () => {
    expect(sizeFor(1_000, 83_400, 5)).toBe(0.01199)
    expect(sizeFor(1_000, 0.17, 0)).toBe(5_882)
  })

  it('adds up to the micro-dollar after any trades, funding and marks, and replays to the same', () => {
    const step = fc.record({
      coin: fc.constantFrom('BTC', 'DOGE'),
      kind: fc.constantFrom('fill', 'fill', 'close', 'funding', 'mark'),
      price: fc.double({ min: 0.01, max: 120_000, noNaN: true }),
      lots: fc.integer({ min: -50_000, max: 50_000 }).filter((lots) => lots !== 0),
      rate: fc.double({ min: -0.01, max: 0.01, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const account = createAccount(START)
        for (const [time, { coin, kind, price, lots, rate }] of steps.entries()) {
          const held = holdingOf(account, coin).size
          if (kind === 'fill') fillOrder(account, { number: time, coin, size: lots / 1e5 }, at(time, price), exchange)
          if (kind === 'close' && held !== 0) {
            fillOrder(account, { number: time, coin, size: -held }, at(time, price), exchange)
            expect(holdingOf(account, coin)).toMatchObject({ size: 0, cost: 0 })
          }
          if (kind === 'funding') settleFunding(account, coin, at(time, price, rate))
          if (kind === 'mark') markHolding(account, coin, at(time, price))
          const sums = checkIdentity(account)
          const byCoin = [...account.holdings.values()].map(holdingTotals)
          expect(byCoin.reduce((sum, { equityChange }) => sum + equityChange, 0)).toBe(sums.equityChange)
        }
        const again = replay(START, account.events)
        expect(totals(again)).toEqual(totals(account))
        expect(again.cash).toBe(account.cash)
      }),
      { numRuns: 200, seed: 5 },
    )
  })
})
