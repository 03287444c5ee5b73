import type { ExitReason, Plan } from './exit.ts'
import type { ExchangeOptions } from './options.ts'
import { type Account, holdingOf, record, valueAtMark } from './paper/account.ts'
import { fillOrder, type HourClose, markHolding, type Order, settleFunding } from './paper/exchange.ts'

/** One position from opening to closing; money in micro-dollars. */
export interface Trade {
  readonly coin: string
  readonly direction: 1 | -1
  /** Coins. */
  readonly size: number
  /** When the opening was decided, filled, and the closing filled; UTC milliseconds. */
  readonly decidedAt: number
  readonly openedAt: number
  readonly closedAt: number
  readonly entryPrice: number
  readonly exitPrice: number
  readonly realised: number
  readonly funding: number
  readonly fees: number
  /** realised + funding - fees. */
  readonly net: number
  readonly reason: ExitReason
}

/** What one coin has open and on its way. */
export interface Slot {
  readonly coin: string
  order?: PendingOrder
  position?: Position
}

/** An open position: what was planned, and its opening fill with the coin's account as it was just before. */
interface Position {
  readonly plan: Plan
  readonly opening: {
    readonly time: number
    readonly price: number
    readonly realised: number
    readonly funding: number
    readonly fees: number
  }
}

type PendingOrder = Order & ({ readonly opens: Plan } | { readonly closes: ExitReason })

/** What the passing of an hour did. */
export interface HourOutcome {
  opened: number
  lapsed: number
  unknownFunding: number
  staleMarks: number
  staleFills: number
  readonly trades: Trade[]
}

/** Sends the order that opens a position; it fills one bar later. */
export function orderOpening(account: Account, slot: Slot, size: number, plan: Plan): void {
  slot.order = { ...send(account, slot.coin, size, plan.decidedAt, 'open'), opens: plan }
}

/** Sends the order that closes the slot's whole position; it fills one bar later. */
export function orderClosing(account: Account, slot: Slot, time: number, reason: ExitReason): void {
  const size = -holdingOf(account, slot.coin).size
  slot.order = { ...send(account, slot.coin, size, time, reason), closes: reason }
}

function send(account: Account, coin: string, size: number, time: number, reason: string): Order {
  // The number of the order's own event: unique, and the same when the run is repeated.
  const number = account.events.length
  record(account, { kind: 'intent', time, coin, order: number, size, reason })
  return { number, coin, size }
}

/**
 * What happens to a slot in the hour that ends at `hour.time`, in this order: funding on what was held over it, the fill
 * of an order sent when it began, the mark.
 *
 * The rule of delay: an order decided at T fills at the close of the bar opened at T, that is at T + 1 h, never at a
 * price that was known when it was decided. Where that bar is missing an opening lapses, and a closing waits for the
 * next bar there is.
 *
 * @param lastHour true at the end of the period, where a closing takes the last known price if the hour has none.
 */
export function passHour(
  account: Account,
  slot: Slot,
  hour: HourClose,
  options: ExchangeOptions,
  lastHour: boolean,
  outcome: HourOutcome,
): void {
  const { coin, order, position } = slot
  if (!settleFunding(account, coin, hour)) outcome.unknownFunding++
  if (order !== undefined) {
    const known = !Number.isNaN(hour.price)
    if ('opens' in order) {
      slot.order = undefined
      if (known) open(account, slot, order, order.opens, hour, options, outcome)
      else lapse(account, order, hour.time, outcome)
    } else if (position !== undefined && (known || lastHour)) {
      slot.order = undefined
      const at = known ? hour : { ...hour, price: holdingOf(account, coin).mark }
      if (!known) outcome.staleFills++
      outcome.trades.push(close(account, slot, position, order, order.closes, at, options, !known))
    }
  }
  if (!markHolding(account, coin, hour)) outcome.staleMarks++
}

function open(
  account: Account,
  slot: Slot,
  order: Order,
  plan: Plan,
  hour: HourClose,
  options: ExchangeOptions,
  outcome: HourOutcome,
): void {
  const { realised, funding, fees } = holdingOf(account, slot.coin)
  const { price } = fillOrder(account, order, hour, options)
  slot.position = { plan, opening: { time: hour.time, price, realised, funding, fees } }
  outcome.opened++
}

function lapse(account: Account, { coin, number }: Order, time: number, outcome: HourOutcome): void {
  record(account, { kind: 'lapse', time, coin, order: number, reason: 'no bar to fill at' })
  outcome.lapsed++
}

function close(
  account: Account,
  slot: Slot,
  position: Position,
  order: Order,
  reason: ExitReason,
  hour: HourClose,
  options: ExchangeOptions,
  stale: boolean,
): Trade {
  const { plan, opening } = position
  const { price } = fillOrder(account, order, hour, options, stale)
  slot.position = undefined
  const holding = holdingOf(account, slot.coin)
  const realised = holding.realised - opening.realised
  const funding = holding.funding - opening.funding
  const fees = holding.fees - opening.fees
  return {
    coin: slot.coin,
    direction: plan.direction,
    size: Math.abs(order.size),
    decidedAt: plan.decidedAt,
    openedAt: opening.time,
    closedAt: hour.time,
    entryPrice: opening.price,
    exitPrice: price,
    realised,
    funding,
    fees,
    net: realised + funding - fees,
    reason,
  }
}

/** Holds an open position for longer. */
export function renewPlan(slot: Slot, holdUntil: number): void {
  const { position } = slot
  if (position !== undefined) slot.position = { ...position, plan: { ...position.plan, holdUntil } }
}

/** True where the slot has neither a position nor an order. */
export function isFree(slot: Slot): boolean {
  return slot.position === undefined && slot.order === undefined
}

/** Gross value of what is open, in micro-dollars. */
export function grossValue(account: Account): number {
  let gross = 0
  for (const holding of account.holdings.values()) gross += Math.abs(valueAtMark(holding))
  return gross
}
