import { describe, expect, it } from 'vitest'
import { toMicro } from '#src/account/money.ts'
import type { FillEvent, IntentEvent, LedgerEvent, Plan } from '#src/ledger/events.ts'
import { applyEvent, createLedgerState, LIQUIDATION } from '#src/ledger/state.ts'

const plan: Plan = { direction: 1, holdUntil: 10, trendProbability: 0.2, edge: 0.001, sources: { 'ou-funding': 1 } }
const cloid = '0x00000000000000000000000000000001'
const intent: IntentEvent = {
  kind: 'intent',
  time: 1,
  coin: 'ETH',
  order: { cloid, coin: 'ETH', size: 2, limitPrice: 1_050, timeInForce: 'Ioc', reduceOnly: false },
  referencePrice: 1_000,
  purpose: { opens: plan },
}

function filled(time: number, size: number, price: number, closedPnl = 0, id = cloid): FillEvent {
  const notional = toMicro(size * price)
  return {
    kind: 'fill',
    time,
    coin: 'ETH',
    cloid: id,
    size,
    price,
    notional,
    fee: 0,
    liquidity: 'taker',
    slippage: 0,
    closedPnl,
  }
}

function stateAfter(...events: LedgerEvent[]) {
  const state = createLedgerState()
  applyEvent(state, { kind: 'deposit', time: 0, amount: toMicro(10_000) })
  for (const event of events) applyEvent(state, event)
  return state
}

describe('ledger state', () => {
  it('follows an order from its intent to its last fill, and the plan to the end of the position', () => {
    const state = stateAfter(intent)
    expect(state.openOrders.get(cloid)).toMatchObject({ status: 'intended', remaining: 2 })
    applyEvent(state, { kind: 'order', time: 1, coin: 'ETH', cloid, status: 'open', remaining: 2 })
    applyEvent(state, filled(2, 0.5, 1_001))
    expect(state.openOrders.get(cloid)).toMatchObject({ status: 'open', remaining: 1.5 })
    expect(state.plans.get('ETH')).toEqual(plan)
    applyEvent(state, filled(3, 1.5, 1_002))
    expect(state.openOrders.size).toBe(0)
    applyEvent(state, { kind: 'renewal', time: 4, coin: 'ETH', holdUntil: 99 })
    expect(state.plans.get('ETH')!.holdUntil).toBe(99)
    applyEvent(state, filled(5, -2, 1_010, toMicro(2 * 1_010 - 0.5 * 1_001 - 1.5 * 1_002), LIQUIDATION))
    expect(state.plans.size).toBe(0)
    expect(state.history.trades).toMatchObject([
      {
        coin: 'ETH',
        direction: 1,
        size: 2,
        openedAt: 2,
        closedAt: 5,
        entryPrice: 1_001.75,
        exitPrice: 1_010,
        net: 16_500_000,
        reason: 'liquidation',
        sources: { 'ou-funding': 1 },
      },
    ])
  })

  it('tells two trades apart where one fill turns the position over', () => {
    const turn: IntentEvent = {
      ...intent,
      time: 3,
      order: { ...intent.order, cloid: '0x2', size: -3 },
      purpose: { opens: { ...plan, direction: -1 } },
    }
    const state = stateAfter(intent, filled(2, 2, 1_000), turn, filled(4, -3, 1_100, toMicro(200), '0x2'))
    expect(state.history.trades).toMatchObject([
      { direction: 1, size: 2, net: toMicro(200), reason: 'opposite signal' },
    ])
    expect(state.history.running.get('ETH')).toMatchObject({ direction: -1, size: 1, openedAt: 4 })
    expect(state.plans.get('ETH')!.direction).toBe(-1)
  })

  it.each<[string, LedgerEvent[], RegExp]>([
    ['an event back in time', [{ kind: 'hour', time: -1, equity: 0, gross: 0, net: 0 }], /before the last event/],
    ['a fill without an order', [filled(2, 1, 1_000)], /no open order/],
    ['a fill beyond its order', [intent, filled(2, 2.5, 1_000)], /does not fit what is left/],
    ['a fill against its order', [intent, filled(2, -1, 1_000)], /does not fit what is left/],
    ['an intent given twice', [intent, intent], /is open/],
    ['a renewal without a position', [{ kind: 'renewal', time: 1, coin: 'ETH', holdUntil: 2 }], /no position to renew/],
    [
      'a step of graduation from where it is not',
      [{ kind: 'graduation', time: 1, from: 'approved', to: 'live', by: 'x', reason: '', evidence: {} }],
      /the state is paper/,
    ],
  ])('refuses %s and stays as it was', (_, events, message) => {
    const state = stateAfter(...events.slice(0, -1))
    const before = structuredClone(state)
    expect(() => applyEvent(state, events.at(-1)!)).toThrow(message)
    expect(state).toEqual(before)
  })
})
