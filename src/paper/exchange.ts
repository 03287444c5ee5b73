import type { ExchangeOptions } from '../options.ts'
import { type Account, holdingOf, record } from './account.ts'
import { toMicro } from './money.ts'

/** An order on its way: a signed change of a position. */
export interface Order {
  readonly number: number
  readonly coin: string
  readonly size: number
}

/**
 * The price of an hour that is over, as the exchange saw it.
 * `price` is the close of the bar that ended at the hour; `NaN` where there was no bar.
 */
export interface HourClose {
  readonly time: number
  readonly price: number
  /** Rate settled at the hour, `NaN` where unknown. */
  readonly funding: number
}

/** The largest size on the coin's lot grid worth at most `dollars` at `price`. */
export function sizeFor(dollars: number, price: number, decimals: number): number {
  const lots = 10 ** decimals
  return Math.floor((dollars / price) * lots) / lots
}

/**
 * Settles funding at the hour on the position held over the hour before: the account receives
 * -size x price x rate, so at a positive rate longs pay shorts. The close stands in for the oracle price, and the
 * last mark for a close that is missing (Hyperliquid document, section 4).
 *
 * @returns false where the rate is not known: nothing is charged, and the event says so with a null rate.
 */
export function settleFunding(account: Account, coin: string, hour: HourClose): boolean {
  const { size, mark } = holdingOf(account, coin)
  if (size === 0) return true
  const price = Number.isNaN(hour.price) ? mark : hour.price
  const known = !Number.isNaN(hour.funding)
  const rate = known ? hour.funding : null
  const amount = known ? toMicro(-size * price * hour.funding) : 0
  record(account, { kind: 'funding', time: hour.time, coin, size, price, rate, amount })
  return known
}

/**
 * Fills an order whole at the hour's close, made worse by the slippage, and charges the taker fee on the filled notional.
 *
 * @param stale says that `hour.price` is an older price, taken because the hour has none.
 */
export function fillOrder(
  account: Account,
  order: Order,
  hour: HourClose,
  options: ExchangeOptions,
  stale = false,
): { readonly price: number; readonly fee: number } {
  const { number, coin, size } = order
  const price = hour.price * (1 + Math.sign(size) * options.slippage)
  const fee = toMicro(Math.abs(size) * price * options.takerFee)
  const { time } = hour
  record(account, { kind: 'fill', time, coin, order: number, size, price, notional: toMicro(size * price), stale })
  record(account, { kind: 'fee', time, coin, order: number, amount: fee })
  return { price, fee }
}

/** Marks an open position at the hour's close; where there is none the old mark stays. @returns false for a stale mark. */
export function markHolding(account: Account, coin: string, hour: HourClose): boolean {
  const { size } = holdingOf(account, coin)
  if (size === 0) return true
  if (Number.isNaN(hour.price)) return false
  record(account, { kind: 'mark', time: hour.time, coin, price: hour.price })
  return true
}
