import { createHash } from 'node:crypto'
import type { ExitReason, IntentEvent, Plan } from '../ledger/events.ts'
import type { WheelOptions } from '../options.ts'
import { roundPrice } from '../paper/rules.ts'
import type { Listing } from '../venue/venue.ts'

/**
 * Client order id of a decision: the same decision always has the same, so that sending it again after a crash is
 * sending the same order. 128 bits of SHA-256 over time, coin and purpose.
 */
export function cloidOf(asOf: number, coin: string, purpose: 'open' | 'close'): string {
  return `0x${createHash('sha256').update(`millrace/${asOf}/${coin}/${purpose}`).digest('hex').slice(0, 32)}`
}

/**
 * An order at the market: immediate-or-cancel with a limit `marketBand` beyond the price of the decision.
 *
 * @param size signed coins, on the lot grid.
 * @param price close of the last bar known at `asOf`.
 */
export function marketIntent(
  listing: Listing,
  asOf: number,
  size: number,
  price: number,
  purpose: { readonly opens: Plan } | { readonly closes: ExitReason },
  { exchange, sizing }: WheelOptions,
): IntentEvent {
  const { coin, sizeDecimals, marginTiers, strictlyIsolated } = listing.contract
  const opens = 'opens' in purpose
  const limit = price * (1 + Math.sign(size) * exchange.marketBand)
  return {
    kind: 'intent',
    time: asOf,
    coin,
    order: {
      cloid: cloidOf(asOf, coin, opens ? 'open' : 'close'),
      coin,
      size,
      limitPrice: roundPrice(limit, sizeDecimals, size > 0 ? 'buy' : 'sell'),
      timeInForce: 'Ioc',
      reduceOnly: !opens,
      ...(opens
        ? {
            margin: {
              mode: strictlyIsolated === true ? 'isolated' : sizing.marginMode,
              leverage: Math.min(sizing.leverage, marginTiers[0].maxLeverage),
            },
          }
        : {}),
    },
    referencePrice: price,
    purpose,
  }
}
