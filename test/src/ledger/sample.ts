import { HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { afterFill, equityOf, exposureOf, type Holding, holdingOf } from '#src/account/account.ts'
import { toMicro } from '#src/account/money.ts'
import { canonicalJson } from '#src/ledger/canonical-json.ts'
import { storiesDigest } from '#src/ledger/chain.ts'
import type { LedgerEvent, Plan } from '#src/ledger/events.ts'
import type { LedgerStore, RoundStories } from '#src/ledger/journal.ts'
import { applyEvent, createLedgerState, type LedgerState, LIQUIDATION } from '#src/ledger/state.ts'

export const START = Date.UTC(2025, 0, 1)
const COINS = ['BTC', 'ETH', 'SOL']

/** What goes into a ledger in one step. */
export interface Batch {
  readonly events: readonly LedgerEvent[]
  readonly stories?: RoundStories
}

/**
 * A ledger as the engine writes it, with all kinds of events and awkward amounts: orders that are refused, fill in parts,
 * open, add to, close and turn positions, isolated margin that comes and goes, a liquidation, funding with and without a
 * rate, stale marks, rounds with stories. The same seed gives the same batches.
 */
export function sampleLedger(seed: number, hours: number): Batch[] {
  const random = createRandom(seed)
  const state = createLedgerState()
  const batches: Batch[] = []
  let waiting: LedgerEvent[] = []
  const note = (event: LedgerEvent) => {
    applyEvent(state, event)
    waiting.push(event)
  }
  const commit = (stories?: RoundStories) => {
    batches.push({ events: waiting, ...(stories && { stories }) })
    waiting = []
  }
  let orders = 0
  const prices = new Map(COINS.map((coin, i) => [coin, 1000 / 10 ** i]))
  note({ kind: 'deposit', time: START, amount: toMicro(10_000.123456) })
  commit()

  for (let hour = 0; hour < hours; hour++) {
    const time = START + hour * HOUR
    tradeThroughHour(state, note, random, prices, time)
    settle(state, note, random, prices, time)
    note({ kind: 'hour', time, equity: equityOf(state.account), ...exposureOf(state.account) })
    commit()

    const json = canonicalJson(COINS.map((coin) => ({ asOf: time, coin, conviction: random.uniform() })))
    if (hour === 0) {
      const settings = canonicalJson({ riskShare: 0.0025, coins: COINS })
      note({ kind: 'settings', time, digest: storiesDigest(settings), settings })
      note({ kind: 'leverage', time, coin: 'SOL', mode: 'isolated', leverage: 3 })
    }
    if (hour % 5 === 0) note({ kind: 'weights', time, weights: { 'ou-funding': random.uniform() } })
    note({
      kind: 'round',
      time,
      evaluated: 3,
      candidates: 1,
      stories: storiesDigest(json),
      model: 'none',
      degraded: [],
    })
    for (const coin of state.plans.keys()) note({ kind: 'renewal', time, coin, holdUntil: time + HOUR })
    const sent = COINS.filter(() => random.uniform() < 0.6).map((coin) => {
      const { size } = holdingOf(state.account, coin)
      const price = prices.get(coin)!
      const closes = size !== 0 && random.uniform() < 0.4
      const wanted = Math.round(((random.uniform() - 0.5) * 400_000) / price) / 100 || 0.01
      const signed = closes ? -size : wanted
      const cloid = `0x${(++orders).toString(16).padStart(32, '0')}`
      const plan: Plan = {
        direction: signed > 0 ? 1 : -1,
        holdUntil: time + HOUR,
        trendProbability: random.uniform(),
        edge: 1e-4,
        sources: { 'ou-funding': 0.75, breakout: 0.25 },
      }
      note({
        kind: 'intent',
        time,
        coin,
        order: {
          cloid,
          coin,
          size: signed,
          limitPrice: price * (signed > 0 ? 1.5 : 0.5),
          timeInForce: 'Ioc',
          reduceOnly: closes,
        },
        referencePrice: price,
        purpose: closes ? { closes: 'horizon' } : { opens: plan },
      })
      return { coin, cloid, remaining: signed }
    })
    if (hour === 3) {
      note({ kind: 'protection', time, protection: 'lock', scope: 'ETH', setBy: 'me', reason: 'test', until: null })
    }
    commit({ asOf: time, json })
    for (const order of sent) {
      if (random.uniform() < 0.15) note({ kind: 'order', time, ...order, status: 'rejected', message: 'no' })
      else note({ kind: 'order', time, ...order, status: 'open' })
      commit()
    }
  }
  return batches
}

type Note = (event: LedgerEvent) => void
type Random = ReturnType<typeof createRandom>
type Prices = Map<string, number>

/** Orders of the hour before are filled, in parts or not at all; now and then an isolated position is taken over. */
function tradeThroughHour(state: LedgerState, note: Note, random: Random, prices: Prices, time: number): void {
  let moment = time - HOUR
  for (const { intent, remaining } of [...state.openOrders.values()]) {
    const { coin, order, referencePrice } = intent
    moment += 1000
    const parts = random.uniform() < 0.3 ? [0.5, 0.5] : random.uniform() < 0.2 ? [0.5] : [1]
    let left = remaining
    for (const [i, part] of parts.entries()) {
      const last = i === parts.length - 1 && parts.length !== 1
      const size = part === 1 || last ? left : Math.round(remaining * part * 100) / 100
      if (size === 0) continue
      const price = referencePrice * (1 + 0.002 * random.normal())
      fill(state, note, { coin, cloid: order.cloid, time: moment, size, price, reference: referencePrice })
      left = state.openOrders.get(order.cloid)?.remaining ?? 0
    }
    const open = state.openOrders.get(order.cloid)
    if (open === undefined) continue
    const { cloid } = order
    note({ kind: 'order', time: moment, coin, cloid, status: 'cancelled', remaining: open.remaining, message: 'no' })
  }
  const isolated = holdingOf(state.account, 'SOL')
  if (isolated.size === 0 || random.uniform() < 0.8) return
  moment += 1000
  note({
    kind: 'liquidation',
    time: moment,
    mode: 'isolated',
    coins: ['SOL'],
    method: 'market',
    accountValue: 1,
    maintenance: 2,
  })
  const price = prices.get('SOL')! * 0.9
  fill(state, note, { coin: 'SOL', cloid: LIQUIDATION, time: moment, size: -isolated.size, price, reference: price })
}

interface Trade {
  readonly coin: string
  readonly cloid: string
  readonly time: number
  readonly size: number
  readonly price: number
  readonly reference: number
}

function fill(state: LedgerState, note: Note, { coin, cloid, time, size, price, reference }: Trade): void {
  const holding: Holding = holdingOf(state.account, coin)
  const notional = toMicro(size * price)
  const closedPnl = afterFill(holding, size, notional).realised
  if (holding.mode === 'isolated') note({ kind: 'transfer', time, coin, amount: toMicro(Math.abs(size * price) / 3) })
  note({
    kind: 'fill',
    time,
    coin,
    cloid,
    size,
    price,
    notional,
    fee: toMicro(Math.abs(size * price) * 0.00045),
    liquidity: 'taker',
    slippage: toMicro(size * (price - reference)),
    closedPnl,
  })
  if (holding.size === 0 && holding.rawUsd !== 0) note({ kind: 'transfer', time, coin, amount: -holding.rawUsd })
}

function settle(state: LedgerState, note: Note, random: Random, prices: Prices, time: number): void {
  for (const [coin, price] of prices) prices.set(coin, price * Math.exp(0.01 * random.normal()))
  const open = [...state.account.holdings].filter(([, { size }]) => size !== 0)
  for (const [coin, { size, mark }] of open) {
    const rate = random.uniform() < 0.1 ? null : 1e-4 * random.normal()
    note({
      kind: 'funding',
      time,
      coin,
      size,
      price: mark,
      rate,
      amount: rate === null ? 0 : toMicro(-size * mark * rate),
    })
  }
  for (const [coin] of open) {
    note({ kind: 'mark', time, coin, price: prices.get(coin)!, stale: false })
  }
}

export function write(store: LedgerStore, batches: readonly Batch[]): void {
  for (const { events, stories } of batches) store.append(events, stories)
}

export function eventsOf(batches: readonly Batch[]): LedgerEvent[] {
  return batches.flatMap(({ events }) => events)
}

/** The account that events lead to, by the reducer. */
export function stateAfter(events: Iterable<LedgerEvent>): LedgerState {
  const state = createLedgerState()
  for (const event of events) applyEvent(state, event)
  return state
}
