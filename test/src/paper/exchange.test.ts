import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createAccount, holdingOf, totals } from '#src/paper/account.ts'
import { fillOrder, markHolding, settleFunding, sizeFor } from '#src/paper/exchange.ts'
import { toMicro } from '#src/paper/money.ts'

const costs = { takerFee: 0.00045, slippage: 0.0001, minOrderDollars: 10, sizeDecimals: 4 }

/** An account that bought (or sold) `size` coins at a close of 100. */
function accountWith(size: number) {
  const account = createAccount(toMicro(10_000))
  fillOrder(account, { number: 0, coin: 'BTC', size }, { time: 0, price: 100, funding: Number.NaN }, costs)
  return account
}

describe('the exchange', () => {
  it.each([
    [2, 1e-4, -0.02],
    [-2, 1e-4, 0.02],
    [2, -1e-4, 0.02],
    [-2, -1e-4, -0.02],
  ])('settles funding on %d coins at a rate of %d: %d dollars', (size, rate, dollars) => {
    const account = accountWith(size)
    expect(settleFunding(account, 'BTC', { time: HOUR, price: 100, funding: rate })).toBe(true)
    expect(holdingOf(account, 'BTC').funding).toBe(toMicro(dollars))
  })

  it('takes the last mark for a close that is missing, and charges nothing at a rate that is', () => {
    const account = accountWith(2)
    markHolding(account, 'BTC', { time: HOUR, price: 110, funding: Number.NaN })
    settleFunding(account, 'BTC', { time: 2 * HOUR, price: Number.NaN, funding: 1e-4 })
    expect(holdingOf(account, 'BTC').funding).toBe(toMicro(-2 * 110 * 1e-4))
    expect(settleFunding(account, 'BTC', { time: 3 * HOUR, price: 120, funding: Number.NaN })).toBe(false)
    expect(account.events.at(-1)).toMatchObject({ kind: 'funding', rate: null, amount: 0, price: 120 })
    expect(markHolding(account, 'BTC', { time: 4 * HOUR, price: Number.NaN, funding: 0 })).toBe(false)
    expect(holdingOf(account, 'BTC').mark).toBe(110)
  })

  it.each([
    [3, 100.01],
    [-3, 99.99],
  ])('fills %d coins at a worse price, and takes its fee on the notional', (size, price) => {
    const account = accountWith(size)
    const holding = holdingOf(account, 'BTC')
    expect(holding.mark).toBeCloseTo(price, 9)
    expect(holding.fees).toBe(toMicro(3 * price * 0.00045))
    expect(account.cash).toBe(toMicro(10_000) - toMicro(size * price) - holding.fees)
    expect(totals(account).unrealised).toBe(0)
  })

  it('sizes an order on the lot grid, never above what it may cost', () => {
    expect(sizeFor(1_000, 30, 2)).toBe(33.33)
    expect(sizeFor(1_000, 2_000, 0)).toBe(0)
    expect(sizeFor(1_000, 7, 4) * 7).toBeLessThanOrEqual(1_000)
  })
})
