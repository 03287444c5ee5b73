import { HOUR, lowerBound } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import type { IntentEvent } from '../ledger/events.ts'
import type { Journal } from '../ledger/journal.ts'
import type { ExchangeOptions } from '../options/paper.ts'
import type { OrderRequest } from '../venue/order.ts'
import type { Listing, Venue } from '../venue/venue.ts'
import { freeAtChosenLeverage, heldOf, marginLack } from './collateral.ts'
import { liveThroughPath } from './hour.ts'
import { latencyOf } from './latency.ts'
import { openHour } from './market.ts'
import { marginRefusal, refusalOf, WORDS } from './rules.ts'
import { settleHour } from './settle.ts'

/**
 * An exchange on paper that behaves like Hyperliquid (document, sections 4 to 8) as far as hourly bars can tell.
 *
 * An order of the full hour T is judged at once by what can be judged at T, reaches the venue at T + latency, and fills
 * in the hour whose bar opened at T:
 *
 * - what matches at once walks a book calibrated on volume and volatility (`depth.ts`) at the price the path has then;
 * - what rests fills as maker, at its price, while the path trades through it (`matching.ts`);
 * - the price moves along four points of the bar (`path.ts`), and at each of them margin is checked;
 * - at the end of the hour funding is paid and open positions are marked (`settle.ts`).
 *
 * Keeps nothing between calls: orders, positions and fee tiers come from `journal.state`, chance from the seed and the
 * cloid. Without a bar a coin has an empty book: immediate orders are refused, others rest, positions stay.
 */
export function createPaperExchange(options: ExchangeOptions): Venue {
  const random = createRandom(options.seed)
  const arrivalOf = ({ time, order }: IntentEvent) => time + latencyOf(random, order.cloid, options)
  return {
    kind: 'paper',
    async advance(journal, time, listings, signal) {
      signal?.throwIfAborted()
      mustBeNextHour(journal, time)
      const { account, openOrders } = journal.state
      const idle = openOrders.size === 0 && ![...account.holdings.values()].some(({ size }) => size !== 0)
      if (idle) return
      const markets = openHour(time, listings, options)
      liveThroughPath({ journal, markets, options, arrivalOf })
      settleHour(journal, markets)
    },
    async submit(journal, order, time, listing) {
      const known = journal.state.openOrders.get(order.cloid)
      // Sent before, and open or ended since; or never intended, which nobody may send.
      if (known?.status !== 'intended') return
      mustBeIntended(known.intent, order)
      const message = judge(journal, order, time, listing)
      const status = message === undefined ? 'open' : 'rejected'
      const { coin, cloid, size } = order
      journal.record({ kind: 'order', time, coin, cloid, status, remaining: size, ...(message && { message }) })
    },
    async cancel(journal, cloid, time) {
      const order = journal.state.openOrders.get(cloid)
      if (order?.status !== 'open') return
      const { intent, remaining } = order
      journal.record({ kind: 'order', time, coin: intent.coin, cloid, status: 'cancelled', remaining })
    },
  }
}

/**
 * Judges an order by what is known at `time`, and sets margin mode and leverage before it where it asks for them; those
 * stay set when the order is refused for something else, as on the venue, where they are an action of their own.
 *
 * @returns the venue's words; undefined where the order is accepted.
 */
function judge(journal: Journal, order: OrderRequest, time: number, listing: Listing): string | undefined {
  const { account } = journal.state
  const { coin, size, margin } = order
  const reference = lastClose(listing, time)
  // A coin that never traded has no mark and no book.
  if (reference === undefined) return WORDS.noLiquidity
  const refusal = refusalOf(order, listing.contract, heldOf(account, coin).size, reference)
  if (refusal !== undefined) return refusal
  const held = heldOf(account, coin)
  if (margin !== undefined && (margin.mode !== held.mode || margin.leverage !== held.leverage)) {
    const wrong = marginRefusal(margin, listing.contract, account.holdings.get(coin))
    if (wrong !== undefined) return wrong
    journal.record({ kind: 'leverage', time, coin, ...margin })
  }
  if (order.reduceOnly) return undefined
  return marginLack(account, listing.contract, freeAtChosenLeverage(account), size, reference)
}

/** Close of the last bar known at `time`, however old: what stands in for the mark. */
function lastClose({ bars }: Listing, time: number): number | undefined {
  const rows = lowerBound(bars.openTime, time - HOUR + 1)
  return rows === 0 ? undefined : bars.close[rows - 1]
}

function mustBeNextHour({ state }: Journal, time: number): void {
  const from = state.advancedTo ?? time - HOUR
  if (time === from + HOUR && time % HOUR === 0) return
  throw new InputError(`the exchange lives hour by hour: after ${from} it cannot advance to ${time}`, { from, time })
}

function mustBeIntended({ order }: IntentEvent, sent: OrderRequest): void {
  const { coin, size, limitPrice, timeInForce, reduceOnly } = sent
  const same =
    order.coin === coin &&
    order.size === size &&
    order.limitPrice === limitPrice &&
    order.timeInForce === timeInForce &&
    order.reduceOnly === reduceOnly
  if (same) return
  throw new InputError(`order ${sent.cloid} of ${coin} is not what its intent says; send the intent's order`, {
    cloid: sent.cloid,
    coin,
  })
}
