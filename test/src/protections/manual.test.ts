import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { applyEvent, createLedgerState } from '#src/ledger/state.ts'
import { ProtectionOptions } from '#src/options/protections.ts'
import { liftEvent, lockEvent } from '#src/protections/manual.ts'
import { forbids, inForce, mustCloseAll, protectionsDue } from '#src/protections/protections.ts'
import { START } from '../market.ts'
import { ledgerOf, tradeOf } from './ledger.ts'

const now = START + 2 * HOUR
const ledger = () => ledgerOf([100, 100, 100])
const ada = { by: 'Ada', reason: 'delisting announced' }

describe('manual lock', () => {
  it('forbids a coin until it is lifted, and says who set it', () => {
    const state = ledger()
    applyEvent(state, lockEvent(state, { scope: 'AAA', ...ada }, null))
    expect(forbids(state, 'AAA', now + 9e9)).toEqual([
      { gate: 'lock', kind: 'rejected', message: 'AAA, set by Ada until it is lifted: delisting announced' },
    ])
    expect(forbids(state, 'BBB', now)).toEqual([])
    expect(mustCloseAll(state, now)).toBe(false)
    applyEvent(state, liftEvent(state, 'lock', { scope: 'AAA', by: 'Bob', reason: 'delayed' }))
    expect(forbids(state, 'AAA', now)).toEqual([])
    expect(state.protections.get('lock AAA')).toMatchObject({ setBy: 'Bob', reason: 'delayed', until: now })
  })

  it('forbids all coins for a while', () => {
    const state = ledger()
    applyEvent(state, lockEvent(state, { scope: '*', ...ada }, now + HOUR))
    expect(forbids(state, 'ANY', now)).toMatchObject([
      { message: 'all coins, set by Ada until 2025-01-01 03:00: delisting announced' },
    ])
    expect(forbids(state, 'ANY', now + HOUR)).toEqual([])
  })

  it('lasts beside what the engine sets for the coin', () => {
    const options = ProtectionOptions.parse({ coinLosses: 1 })
    const state = ledgerOf([100, 100, 100], [tradeOf('AAA', now, -1)])
    applyEvent(state, lockEvent(state, { scope: 'AAA', ...ada }, null))
    for (const event of protectionsDue(state, now, options)) applyEvent(state, event)
    expect(forbids(state, 'AAA', now).map(({ gate }) => gate)).toEqual(['lock', 'coin-losses', 'cooldown'])
    expect(inForce(state, now + 1e12).map(({ setBy }) => setBy)).toEqual(['Ada'])
  })

  it('is stamped with the time of the ledger, so that later hours can still be told', () => {
    const state = ledger()
    const lock = lockEvent(state, { scope: 'AAA', ...ada }, now + 50 * HOUR)
    expect(lock.time).toBe(now)
    applyEvent(state, lock)
    applyEvent(state, { kind: 'hour', time: now, equity: 1, gross: 0, net: 0 })
  })

  it('refuses what would be no lock, or nobody’s', () => {
    const state = ledger()
    expect(() => lockEvent(state, { scope: 'AAA', ...ada }, now)).toThrow(InputError)
    expect(() => lockEvent(state, { scope: 'AAA', ...ada }, Number.NaN)).toThrow(InputError)
    expect(() => lockEvent(state, { scope: 'AAA', by: ' ', reason: 'why' }, null)).toThrow('by is empty')
    expect(() => lockEvent(state, { scope: 'AAA', by: 'Ada', reason: '' }, null)).toThrow('reason is empty')
    expect(() => lockEvent(createLedgerState(), { scope: '*', ...ada }, null)).toThrow('the ledger is empty')
  })
})

describe('lifting', () => {
  it('ends what the engine set, and that is not set again for the same cause', () => {
    const options = ProtectionOptions.parse({ maxDrawdown: 0.1 })
    const state = ledgerOf([100, 100, 80])
    for (const event of protectionsDue(state, now, options)) applyEvent(state, event)
    expect(mustCloseAll(state, now)).toBe(true)
    applyEvent(state, liftEvent(state, 'drawdown', { scope: '*', ...ada }))
    expect(mustCloseAll(state, now)).toBe(false)
    expect(protectionsDue(state, now, options)).toEqual([])
  })

  it('says what is in force where it was asked to lift something else', () => {
    const state = ledger()
    expect(() => liftEvent(state, 'lock', { scope: 'AAA', ...ada })).toThrow('in force: nothing')
    applyEvent(state, lockEvent(state, { scope: 'BBB', ...ada }, null))
    expect(() => liftEvent(state, 'lock', { scope: 'AAA', ...ada })).toThrow('in force: lock BBB')
    applyEvent(state, liftEvent(state, 'lock', { scope: 'BBB', ...ada }))
    expect(() => liftEvent(state, 'lock', { scope: 'BBB', ...ada })).toThrow(InputError)
  })
})
