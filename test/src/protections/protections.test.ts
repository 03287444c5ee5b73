import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { toMicro } from '#src/account/money.ts'
import type { ProtectionEvent } from '#src/ledger/events.ts'
import { applyEvent, type LedgerState } from '#src/ledger/state.ts'
import { ProtectionOptions } from '#src/options/protections.ts'
import { forbids, inForce, mustCloseAll, protectionsDue } from '#src/protections/protections.ts'
import { START } from '../market.ts'
import { ledgerOf, tradeOf } from './ledger.ts'

const off = ProtectionOptions.parse({ cooldownHours: 0, losingStreak: 0, coinLosses: 0, drawdownHours: 0 })
const at = (hour: number) => START + hour * HOUR
const flat = (hours: number) => Array.from({ length: hours + 1 }, () => 10_000)

/** Records what is due at an hour, as the engine does. */
function live(state: LedgerState, hour: number, options: ProtectionOptions): ProtectionEvent[] {
  const due = protectionsDue(state, at(hour), options)
  for (const event of due) applyEvent(state, event)
  return due
}

/** One hour on, with its equity. */
function tell(state: LedgerState, hour: number, equity: number): void {
  applyEvent(state, { kind: 'hour', time: at(hour), equity: toMicro(equity), gross: 0, net: 0 })
}

describe('cooldown', () => {
  const options = { ...off, cooldownHours: 6 }

  it('rests a coin from the close of its position', () => {
    const state = ledgerOf(flat(2), [tradeOf('AAA', at(1.5), 5)])
    expect(live(state, 2, options)).toEqual([
      {
        kind: 'protection',
        time: at(2),
        protection: 'cooldown',
        scope: 'AAA',
        setBy: 'engine',
        reason: 'its position was closed (horizon)',
        until: at(7.5),
      },
    ])
    expect(forbids(state, 'AAA', at(7)).map(({ gate }) => gate)).toEqual(['cooldown'])
    expect(forbids(state, 'AAA', at(8))).toEqual([])
    expect(forbids(state, 'BBB', at(7))).toEqual([])
    expect(protectionsDue(state, at(7), options)).toEqual([])
    expect(protectionsDue(state, at(8), options)).toEqual([])
  })

  it('counts from the newest close, and not from one that is long ago', () => {
    const trades = [tradeOf('OLD', at(1), 5), tradeOf('AAA', at(6), 5), tradeOf('AAA', at(7), 5)]
    const state = ledgerOf(flat(7), trades)
    expect(live(state, 7, options)).toMatchObject([{ scope: 'AAA', until: at(13) }])
  })

  it('is not set again for the same trade after it was lifted, but for the next', () => {
    const state = ledgerOf(flat(2), [tradeOf('AAA', at(1.5), 5)])
    const [set] = live(state, 2, options)
    applyEvent(state, { ...set, setBy: 'Ada', until: at(2) })
    expect(protectionsDue(state, at(3), options)).toEqual([])
    state.history.trades.push(tradeOf('AAA', at(2.5), 5))
    expect(protectionsDue(state, at(3), options)).toMatchObject([{ scope: 'AAA', until: at(8.5) }])
  })
})

describe('losing streak', () => {
  const options = { ...off, losingStreak: 3, losingStreakHours: 10 }
  const streak = (...nets: number[]) => nets.map((net, i) => tradeOf(`C${i}`, at(i), net))

  it('stops all openings after so many losses in a row', () => {
    const state = ledgerOf(flat(5), streak(-1, 9, -1, -2, -3.5))
    expect(live(state, 5, options)).toMatchObject([
      { protection: 'losing-streak', scope: '*', until: at(15), reason: 'the last 3 trades lost 6.50 dollars' },
    ])
    expect(forbids(state, 'ANY', at(14))).toEqual([
      {
        gate: 'losing-streak',
        kind: 'rejected',
        message: 'all coins, set by engine until 2025-01-01 15:00: the last 3 trades lost 6.50 dollars',
      },
    ])
    expect(forbids(state, 'ANY', at(15))).toEqual([])
  })

  it('is broken by a trade that lost nothing', () => {
    expect(protectionsDue(ledgerOf(flat(4), streak(-1, -1, 0, -1, -1)), at(4), options)).toEqual([])
    expect(protectionsDue(ledgerOf(flat(4), streak(-1, -1)), at(4), options)).toEqual([])
  })

  it('does not set itself again for the trades that led to it, or the stop would never end', () => {
    const state = ledgerOf(flat(5), streak(-1, -1, -1))
    live(state, 5, options)
    expect(protectionsDue(state, at(40), options)).toEqual([])
    state.history.trades.push(tradeOf('X', at(41), -1), tradeOf('Y', at(42), -1))
    expect(protectionsDue(state, at(43), options)).toEqual([])
    state.history.trades.push(tradeOf('Z', at(43), -1))
    expect(protectionsDue(state, at(43), options)).toMatchObject([{ protection: 'losing-streak' }])
  })
})

describe('losses of a coin', () => {
  const options = { ...off, coinLosses: 2, coinLossDays: 1, coinLockHours: 72 }

  it('lock it, and no other', () => {
    const trades = [tradeOf('BAD', at(1), -1), tradeOf('BAD', at(2), 9), tradeOf('GOOD', at(3), -1)]
    const state = ledgerOf(flat(5), [...trades, tradeOf('BAD', at(4), -2)])
    expect(live(state, 5, options)).toMatchObject([
      { protection: 'coin-losses', scope: 'BAD', until: at(77), reason: '2 trades within 1 days lost 3.00 dollars' },
    ])
    expect(forbids(state, 'BAD', at(76)).map(({ gate }) => gate)).toEqual(['coin-losses'])
    expect(forbids(state, 'GOOD', at(76))).toEqual([])
  })

  it('count for so many days, and once', () => {
    const losses = [tradeOf('BAD', at(1), -1), tradeOf('BAD', at(25), -1)]
    expect(protectionsDue(ledgerOf(flat(25), losses), at(25), options)).toEqual([])
    const state = ledgerOf(flat(24), [tradeOf('BAD', at(2), -1), tradeOf('BAD', at(24), -1)])
    const [set] = live(state, 24, options)
    expect(set.scope).toBe('BAD')
    applyEvent(state, { ...set, time: at(24), until: at(24) })
    state.history.trades.push(tradeOf('BAD', at(25), -1))
    expect(protectionsDue(state, at(25), options)).toEqual([])
    state.history.trades.push(tradeOf('BAD', at(26), -1))
    expect(protectionsDue(state, at(26), options)).toHaveLength(1)
  })
})

describe('drawdown', () => {
  const options = { ...off, maxDrawdown: 0.1, drawdownHours: 4 }

  it('stops all openings and closes everything', () => {
    const state = ledgerOf([100, 120, 115, 108])
    expect(mustCloseAll(state, at(3))).toBe(false)
    expect(live(state, 3, options)).toMatchObject([
      { protection: 'drawdown', scope: '*', until: at(7), reason: 'equity is 10.0 % below its peak, at most 10.0 %' },
    ])
    expect([3, 6, 7].map((hour) => mustCloseAll(state, at(hour)))).toEqual([true, true, false])
    expect(forbids(state, 'AAA', at(6)).map(({ gate }) => gate)).toEqual(['drawdown'])
    expect(protectionsDue(ledgerOf([100, 120, 115, 108.01]), at(3), options)).toEqual([])
  })

  it('measures from a new peak when it is over', () => {
    const state = ledgerOf([100, 120, 108])
    live(state, 2, options)
    for (const [i, equity] of [90, 80, 80, 80].entries()) {
      tell(state, 3 + i, equity)
      expect(live(state, 3 + i, options)).toEqual([])
    }
    tell(state, 7, 73)
    expect(live(state, 7, options)).toEqual([])
    tell(state, 8, 65)
    expect(live(state, 8, options)).toMatchObject([{ reason: 'equity is 18.8 % below its peak, at most 10.0 %' }])
  })

  it('measures from a new peak when it was lifted', () => {
    const state = ledgerOf([100, 120, 100])
    const [set] = live(state, 2, options)
    tell(state, 3, 95)
    applyEvent(state, { ...set, time: at(3), setBy: 'Ada', until: at(3) })
    expect(mustCloseAll(state, at(3))).toBe(false)
    expect(protectionsDue(state, at(3), options)).toEqual([])
    tell(state, 4, 85)
    expect(protectionsDue(state, at(4), options)).toHaveLength(1)
  })
})

describe('protections together', () => {
  const options = ProtectionOptions.parse({ losingStreak: 2, coinLosses: 1, maxDrawdown: 0.1 })
  const bad = () => ledgerOf([100, 80], [tradeOf('BBB', at(0.5), -1), tradeOf('AAA', at(0.5), -19)])

  it('are all told, in one order, and every reason is listed', () => {
    const state = bad()
    expect(live(state, 1, options).map(({ protection, scope }) => `${protection} ${scope}`)).toEqual([
      'drawdown *',
      'losing-streak *',
      'coin-losses AAA',
      'coin-losses BBB',
      'cooldown AAA',
      'cooldown BBB',
    ])
    expect(forbids(state, 'AAA', at(1)).map(({ gate }) => gate)).toEqual([
      'drawdown',
      'losing-streak',
      'coin-losses',
      'cooldown',
    ])
    expect(inForce(state, at(1))).toHaveLength(6)
    expect(inForce(state, at(1 + 200))).toEqual([])
  })

  it('are none where all are switched off', () => {
    expect(protectionsDue(bad(), at(1), off)).toEqual([])
    const noHours = { ...options, cooldownHours: 0, losingStreakHours: 0, coinLockHours: 0, drawdownHours: 0 }
    expect(protectionsDue(bad(), at(1), noHours)).toEqual([])
  })

  it('are not in force before their time', () => {
    const state = bad()
    live(state, 1, options)
    expect(inForce(state, at(0))).toEqual([])
    expect(mustCloseAll(state, at(0))).toBe(false)
  })
})

describe('protections of any ledger', () => {
  const outcome = fc.record({
    coin: fc.constantFrom('AAA', 'BBB', 'CCC'),
    net: fc.integer({ min: -50, max: 40 }),
    wait: fc.integer({ min: 0, max: 30 }),
  })
  const outcomes = fc.array(outcome, { maxLength: 60 })
  const options = ProtectionOptions.parse({ losingStreak: 3, coinLossDays: 2, maxDrawdown: 0.01 })

  /** Lives through the trades hour by hour; gives the state and everything that was set on the way. */
  function lived(given: readonly { coin: string; net: number; wait: number }[]) {
    const state = ledgerOf([10_000])
    const set: ProtectionEvent[] = []
    let equity = 10_000
    let hour = 0
    for (const { coin, net, wait } of given) {
      for (let i = 0; i < wait; i++) {
        hour++
        tell(state, hour, equity)
        set.push(...live(state, hour, options))
      }
      equity += net
      state.history.trades.push(tradeOf(coin, at(hour), net))
    }
    return { state, set, hour }
  }

  it('are due once, and the same again from the same ledger', () => {
    fc.assert(
      fc.property(outcomes, (given) => {
        const { hour, set, state } = lived(given)
        expect(lived(given).set).toEqual(set)
        const due = protectionsDue(state, at(hour), options)
        expect(protectionsDue(state, at(hour), options)).toEqual(due)
        for (const event of due) applyEvent(state, event)
        expect(protectionsDue(state, at(hour), options)).toEqual([])
      }),
      { seed: 10 },
    )
  })

  it('never overlap with their own kind and scope, and always end', () => {
    fc.assert(
      fc.property(outcomes, (given) => {
        const end = new Map<string, number>()
        for (const { protection, scope, time, until } of lived(given).set) {
          const key = `${protection} ${scope}`
          expect(until).toBeGreaterThan(time)
          expect(time).toBeGreaterThanOrEqual(end.get(key) ?? 0)
          end.set(key, until!)
        }
      }),
      { seed: 11 },
    )
  })

  it('do not see what comes after', () => {
    fc.assert(
      fc.property(outcomes, outcomes, (given, later) => {
        const { hour, state } = lived(given)
        const due = protectionsDue(state, at(hour), options)
        for (const { coin, net } of later) state.history.trades.push(tradeOf(coin, at(hour) + 1, net))
        state.history.hours.push({ kind: 'hour', time: at(hour + 1), equity: 1, gross: 0, net: 0 })
        expect(protectionsDue(state, at(hour), options)).toEqual(due)
      }),
      { seed: 12 },
    )
  })

  it('are no fewer after one more loss', () => {
    fc.assert(
      fc.property(outcomes, fc.constantFrom('AAA', 'BBB', 'CCC'), (given, coin) => {
        const { hour, state } = lived(given)
        const kinds = () =>
          protectionsDue(state, at(hour), options).map((event) => `${event.protection} ${event.scope}`)
        const before = kinds()
        state.history.trades.push(tradeOf(coin, at(hour), -1))
        expect(kinds()).toEqual(expect.arrayContaining(before))
      }),
      { seed: 13 },
    )
  })

  it('set all of their kinds on the way of these tests', () => {
    const kinds = new Set<string>()
    for (const given of fc.sample(outcomes, { seed: 10, numRuns: 100 })) {
      for (const { protection } of lived(given).set) kinds.add(protection)
    }
    expect([...kinds].sort()).toEqual(['coin-losses', 'cooldown', 'drawdown', 'losing-streak'])
  })
})
