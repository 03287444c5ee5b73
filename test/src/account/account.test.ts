import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Account,
  type AccountEvent,
  afterFill,
  applyToAccount,
  checkIdentity,
  createAccount,
  equityOf,
  exposureOf,
  holdingOf,
  holdingTotals,
  replayAccount,
  totals,
} from '#src/account/account.ts'
import { toMicro } from '#src/account/money.ts'

function deposited(dollars = 10_000): Account {
  return replayAccount([{ kind: 'deposit', time: 0, amount: toMicro(dollars) }])
}

function fill(account: Account, time: number, coin: string, size: number, price: number, fee = 0): AccountEvent {
  const notional = toMicro(size * price)
  const { realised } = afterFill(holdingOf(account, coin), size, notional)
  const event: AccountEvent = {
    kind: 'fill',
    time,
    coin,
    cloid: '0x0',
    size,
    price,
    notional,
    fee,
    liquidity: 'taker',
    slippage: 0,
    closedPnl: realised,
  }
  applyToAccount(account, event)
  return event
}

describe('account', () => {
  it('realises a long and a short exactly', () => {
    const account = deposited()
    fill(account, 1, 'BTC', 0.01, 80_000, 360_000)
    fill(account, 2, 'BTC', -0.01, 81_000, 364_500)
    fill(account, 3, 'BTC', -0.01, 81_000, 364_500)
    fill(account, 4, 'BTC', 0.01, 80_500, 362_250)
    const fees = 360_000 + 364_500 + 364_500 + 362_250
    expect(checkIdentity(account)).toEqual({
      realised: 15_000_000,
      unrealised: 0,
      funding: 0,
      fees,
      equityChange: 15_000_000 - fees,
    })
    expect(equityOf(account)).toBe(toMicro(10_000) + 15_000_000 - fees)
  })

  it('turns a position over at average cost', () => {
    const account = deposited()
    fill(account, 1, 'ETH', 1, 1_000)
    fill(account, 2, 'ETH', 1, 1_100)
    fill(account, 3, 'ETH', -3, 1_200)
    expect(holdingOf(account, 'ETH')).toMatchObject({ size: -1, cost: -toMicro(1_200), realised: toMicro(300) })
    expect(exposureOf(account)).toEqual({ gross: toMicro(1_200), net: -toMicro(1_200) })
  })

  it('moves the cash of an isolated position with its fills, fees and funding', () => {
    const account = deposited()
    applyToAccount(account, { kind: 'leverage', time: 0, coin: 'ETH', mode: 'isolated', leverage: 5 })
    applyToAccount(account, { kind: 'transfer', time: 1, coin: 'ETH', amount: toMicro(200) })
    fill(account, 1, 'ETH', 1, 1_000, toMicro(0.45))
    applyToAccount(account, {
      kind: 'funding',
      time: 2,
      coin: 'ETH',
      size: 1,
      price: 1_000,
      rate: 1e-4,
      amount: -100_000,
    })
    const { rawUsd, mark, size } = holdingOf(account, 'ETH')
    // The venue's margin of an isolated position: its value plus rawUsd.
    expect(rawUsd + toMicro(size * mark)).toBe(toMicro(200 - 0.45 - 0.1))
    expect(checkIdentity(account).equityChange).toBe(-toMicro(0.55))
  })

  it('does not let a position change its margin mode', () => {
    const account = deposited()
    fill(account, 1, 'ETH', 1, 1_000)
    const change: AccountEvent = { kind: 'leverage', time: 1, coin: 'ETH', mode: 'isolated', leverage: 5 }
    expect(() => applyToAccount(account, change)).toThrow('Cannot switch leverage type with open position.')
  })

  it('refuses fractions of a micro-dollar, and a closedPnl that is not what average cost gives', () => {
    const account = deposited()
    expect(() => applyToAccount(account, { kind: 'deposit', time: 5, amount: 0.5 })).toThrow(/whole number/)
    const opened = fill(account, 1, 'ETH', 1, 1_000) as Extract<AccountEvent, { kind: 'fill' }>
    const wrong = { ...opened, size: -1, notional: -opened.notional, closedPnl: 1 }
    expect(() => applyToAccount(account, wrong)).toThrow(/closedPnl is 1, average cost gives 0/)
    expect(() => toMicro(1e12)).toThrow(/cannot be counted/)
  })

  it('rounds a flow and its mirror image alike', () => {
    expect(toMicro(0.0000005)).toBe(1)
    expect(toMicro(-0.0000005)).toBe(-1)
    expect(Object.is(toMicro(-0.0000001), 0)).toBe(true)
  })

  it('adds up to the micro-dollar after any fills, funding and marks, and replays to the same', () => {
    const step = fc.record({
      coin: fc.constantFrom('BTC', 'DOGE'),
      kind: fc.constantFrom('fill', 'fill', 'close', 'funding', 'mark'),
      price: fc.double({ min: 0.01, max: 120_000, noNaN: true }),
      lots: fc.integer({ min: -50_000, max: 50_000 }).filter((lots) => lots !== 0),
      amount: fc.integer({ min: -1e9, max: 1e9 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const account = deposited()
        const events: AccountEvent[] = [{ kind: 'deposit', time: 0, amount: toMicro(10_000) }]
        for (const [time, { coin, kind, price, lots, amount }] of steps.entries()) {
          const held = holdingOf(account, coin).size
          if (kind === 'fill') events.push(fill(account, time, coin, lots / 1e5, price, amount))
          if (kind === 'close' && held !== 0) {
            events.push(fill(account, time, coin, -held, price, amount))
            expect(holdingOf(account, coin)).toMatchObject({ size: 0, cost: 0 })
          }
          if (kind === 'funding') {
            const event: AccountEvent = { kind, time, coin, size: held, price, rate: 1e-4, amount }
            applyToAccount(account, event)
            events.push(event)
          }
          if (kind === 'mark') {
            const event: AccountEvent = { kind, time, coin, price, stale: false }
            applyToAccount(account, event)
            events.push(event)
          }
          const sums = checkIdentity(account)
          const byCoin = [...account.holdings.values()].map(holdingTotals)
          expect(byCoin.reduce((sum, { equityChange }) => sum + equityChange, 0)).toBe(sums.equityChange)
          const closed = events.reduce((sum, event) => sum + (event.kind === 'fill' ? event.closedPnl : 0), 0)
          expect(closed).toBe(sums.realised)
        }
        const again = replayAccount(events)
        expect(totals(again)).toEqual(totals(account))
        expect(again.cash).toBe(account.cash)
      }),
      { numRuns: 150, seed: 5 },
    )
  })

  it('has nothing before the first deposit', () => {
    expect(totals(createAccount())).toEqual({ realised: 0, unrealised: 0, funding: 0, fees: 0, equityChange: 0 })
  })
})
