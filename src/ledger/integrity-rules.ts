import { hash } from 'node:crypto'
import { HOUR } from '#data/bars.ts'
import { MillraceError } from '#data/errors.ts'
import { checkIdentity, equityOf, exposureOf, roundSize } from '../account/account.ts'
import { toMicro } from '../account/money.ts'
import { storiesDigest } from './chain.ts'
import type {
  FillEvent,
  FundingEvent,
  HourEvent,
  IntentEvent,
  LedgerEvent,
  LiquidationEvent,
  OrderEvent,
  RoundEvent,
} from './events.ts'
import { type Objection, objection } from './integrity-finding.ts'
import type { RoundStories } from './journal.ts'
import { type LedgerState, LIQUIDATION } from './state.ts'

/**
 * Funding rate of a coin at a settlement, fraction per hour, as market data have it; null: they have none; undefined: they
 * do not reach there, and nothing is compared.
 */
export type RateLookup = (coin: string, time: number) => number | null | undefined

/** What rules look at beside the state, and remember from one event to the next. */
export interface Watch {
  /** The stories of a round; throws where they are damaged. */
  readonly stories: (asOf: number) => RoundStories | undefined
  readonly rates?: RateLookup
  /** Every cloid that was ever intended. */
  readonly intended: Set<string>
  /** Coins whose positions the venue has taken over and not closed yet. */
  readonly taken: Set<string>
  /** Time of the last mark and the last funding of each coin. */
  readonly marked: Map<string, number>
  readonly funded: Map<string, number>
}

export function createWatch(stories: Watch['stories'], rates?: RateLookup): Watch {
  return { stories, rates, intended: new Set(), taken: new Set(), marked: new Map(), funded: new Map() }
}

/**
 * What the reducer does not ask, since the engine cannot get it wrong unless the ledger was changed or a venue erred.
 * `state` is that before the event.
 *
 * @returns undefined where nothing is wrong.
 */
export function objectionTo(state: LedgerState, event: LedgerEvent, watch: Watch): Objection | undefined {
  if (state.events === 0 && event.kind !== 'deposit') return objection('order', 'the first event is no deposit')
  if (!(event.time >= state.time)) {
    return objection('order', `it is at ${hourOf(event.time)}, before the event before it (${hourOf(state.time)})`)
  }
  switch (event.kind) {
    case 'deposit':
      return event.amount > 0 ? undefined : objection('money', `a deposit of ${event.amount} micro-dollars`)
    case 'settings':
      return hash('sha256', event.settings) === event.digest
        ? undefined
        : objection('settings', 'the digest is not that of the settings')
    case 'intent':
      return objectionToIntent(event, watch)
    case 'order':
      return objectionToOrder(state, event)
    case 'fill':
      return objectionToFill(state, event, watch)
    case 'funding':
      return objectionToFunding(state, event, watch)
    case 'mark':
      watch.marked.set(event.coin, event.time)
      return event.price > 0 ? undefined : objection('marks', `${event.coin} is marked at ${event.price}`)
    case 'transfer':
      return state.account.holdings.get(event.coin)?.mode === 'isolated'
        ? undefined
        : objection('money', `margin is moved to ${event.coin}, which is not isolated`)
    case 'liquidation':
      return objectionToLiquidation(state, event, watch)
    case 'hour':
      return objectionToHour(state, event, watch)
    case 'round':
      return objectionToRound(state, event, watch)
    default:
      return undefined
  }
}

function objectionToIntent({ coin, order }: IntentEvent, { intended }: Watch): Objection | undefined {
  if (order.coin !== coin) return objection('orders', `the intent is of ${coin}, its order of ${order.coin}`)
  if (!(order.limitPrice > 0) || order.size === 0) {
    return objection('orders', `an order of ${order.size} ${coin} at ${order.limitPrice}`)
  }
  if (intended.has(order.cloid)) return objection('orders', `order ${order.cloid} was intended before`)
  intended.add(order.cloid)
  return undefined
}

function objectionToOrder({ openOrders }: LedgerState, event: OrderEvent): Objection | undefined {
  const order = openOrders.get(event.cloid)
  // The reducer refuses an order that is not open, with better words.
  if (order === undefined) return undefined
  const { intent, remaining } = order
  if (intent.coin !== event.coin) {
    return objection('orders', `order ${event.cloid} is of ${intent.coin}, not of ${event.coin}`)
  }
  if (event.remaining === remaining) return undefined
  return objection('orders', `${event.remaining} ${event.coin} are said to remain, after its fills ${remaining} do`)
}

function objectionToFill(state: LedgerState, event: FillEvent, { taken }: Watch): Objection | undefined {
  const { coin, cloid, size, price } = event
  const notional = toMicro(size * price)
  if (event.notional !== notional) {
    return objection('money', `notional is ${event.notional}, ${size} x ${price} is ${notional} micro-dollars`)
  }
  const held = state.account.holdings.get(coin)?.size ?? 0
  const reduces = Math.sign(size) === -Math.sign(held) && Math.abs(size) <= Math.abs(held) + 1e-9
  if (cloid === LIQUIDATION) {
    if (!taken.has(coin)) return objection('fills', `the venue closes ${coin} without having liquidated it`)
    if (!reduces) return objection('fills', `a liquidation trades ${size} ${coin} where ${held} are held`)
    if (roundSize(held + size) === 0) taken.delete(coin)
    return undefined
  }
  const order = state.openOrders.get(cloid)
  // The reducer refuses a fill without an order, and one beyond it, with better words.
  if (order === undefined) return undefined
  const { order: request, referencePrice, coin: intended } = order.intent
  if (intended !== coin) return objection('fills', `order ${cloid} is of ${intended}, not of ${coin}`)
  if (size > 0 ? price > request.limitPrice : price < request.limitPrice) {
    return objection('fills', `filled at ${price}, the order's limit is ${request.limitPrice}`)
  }
  if (request.reduceOnly && !reduces) {
    return objection('fills', `a reduce-only order trades ${size} ${coin} where ${held} are held`)
  }
  const slippage = toMicro(size * (price - referencePrice))
  if (event.slippage === slippage) return undefined
  return objection('money', `slippage is ${event.slippage}, against ${referencePrice} it is ${slippage} micro-dollars`)
}

function objectionToFunding(state: LedgerState, event: FundingEvent, watch: Watch): Objection | undefined {
  const { coin, time, size, price, rate, amount } = event
  const held = state.account.holdings.get(coin)?.size ?? 0
  if (size !== held) return objection('funding', `funding is paid on ${size} ${coin}, ${held} are held`)
  if (time % HOUR !== 0) return objection('funding', `funding is settled at ${hourOf(time)}, no full hour`)
  if (watch.funded.get(coin) === time) return objection('funding', `funding of ${coin} is settled twice in an hour`)
  watch.funded.set(coin, time)
  const due = rate === null ? 0 : toMicro(-size * price * rate)
  if (amount !== due) {
    return objection('funding', `the amount is ${amount}, -${size} x ${price} x ${rate} is ${due} micro-dollars`)
  }
  const known = watch.rates?.(coin, time)
  if (known === undefined || known === rate) return undefined
  return objection('rates', `the rate of ${coin} is ${rate}, the market's was ${known}`)
}

function objectionToLiquidation(state: LedgerState, event: LiquidationEvent, { taken }: Watch): Objection | undefined {
  for (const coin of event.coins) {
    const holding = state.account.holdings.get(coin)
    if (holding === undefined || holding.size === 0) return objection('fills', `${coin} is liquidated and not held`)
    if (holding.mode !== event.mode) return objection('fills', `${coin} is ${holding.mode}, not ${event.mode}`)
    taken.add(coin)
  }
  return undefined
}

function objectionToHour(state: LedgerState, event: HourEvent, { marked, funded }: Watch): Objection | undefined {
  const { account, advancedTo, decidedAt } = state
  const { time } = event
  if (time % HOUR !== 0) return objection('hours', `${hourOf(time)} is no full hour`)
  if (advancedTo !== undefined && time !== advancedTo + HOUR) {
    const words = time > advancedTo ? `${hourOf(advancedTo + HOUR)} is missing` : 'the hour is there twice'
    return objection('hours', `${words}: the hour before it is ${hourOf(advancedTo)}`)
  }
  if (decidedAt !== undefined && decidedAt !== advancedTo) {
    return objection('rounds', `nothing was decided at ${hourOf(advancedTo!)}: its round is missing`)
  }
  for (const [coin, { size, rawUsd }] of account.holdings) {
    if (size === 0 && rawUsd !== 0) {
      return objection('money', `${rawUsd} micro-dollars of margin are left with ${coin}, which is not held`)
    }
    if (size === 0) continue
    if (marked.get(coin) !== time) return objection('marks', `${coin} is held and has no mark at ${hourOf(time)}`)
    if ((funded.get(coin) ?? Number.NEGATIVE_INFINITY) <= time - HOUR) {
      return objection('funding', `${coin} is held and has no funding at ${hourOf(time)}`)
    }
  }
  try {
    checkIdentity(account)
  } catch (error) {
    if (error instanceof MillraceError) return objection('money', error.message)
    throw error
  }
  const due = { equity: equityOf(account), ...exposureOf(account) }
  for (const figure of ['equity', 'gross', 'net'] as const) {
    if (event[figure] === due[figure]) continue
    return objection('money', `${figure} is ${event[figure]}, from the events it is ${due[figure]} micro-dollars`)
  }
  return undefined
}

function objectionToRound(state: LedgerState, event: RoundEvent, watch: Watch): Objection | undefined {
  const { time, stories } = event
  if (time !== state.advancedTo) {
    return objection('rounds', `decided at ${hourOf(time)}, which is not the hour that was last lived through`)
  }
  if (state.decidedAt === time) return objection('rounds', `${hourOf(time)} is decided twice`)
  if (stories === '') return undefined
  try {
    const told = watch.stories(time)
    if (told === undefined) return objection('stories', 'the stories of the round are missing')
    return storiesDigest(told.json) === stories
      ? undefined
      : objection('stories', 'the stories are not those of the round')
  } catch (error) {
    if (error instanceof MillraceError) return objection('stories', error.message)
    throw error
  }
}

function hourOf(time: number): string {
  // A time that is no time must be told as it is.
  return Number.isFinite(time) ? new Date(time).toISOString() : String(time)
}
