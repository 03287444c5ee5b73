import { formatPrice, formatSize } from '@nktkas/hyperliquid/utils'
import { InputError } from '#data/errors.ts'
import { roundPrice, roundSizeDown } from '../paper/rules.ts'
import type { OrderRequest } from '../venue/order.ts'
import type { Contract } from '../venue/venue.ts'

/** An order as it goes over the wire (Hyperliquid document, section 8.3): text for numbers, on tick and lot. */
export interface OrderWire {
  readonly a: number
  readonly b: boolean
  readonly p: string
  readonly s: string
  readonly r: boolean
  readonly t: { readonly limit: { readonly tif: OrderRequest['timeInForce'] } }
  readonly c: `0x${string}`
}

/**
 * Writes an order for the wire: its limit on the tick that is not worse, its size as it is.
 *
 * @param asset index of the coin in the venue's universe
 * @throws {InputError} for a cloid or price that is none, and for a size off the venue's lots: cut silently, it would not be the
 *   ledger's
 */
export function orderWire(order: OrderRequest, asset: number, { sizeDecimals }: Contract): OrderWire {
  // The client library's `orderStatus` reads an id below 2^53 as one of the venue's numbers, and finds another order.
  if (!/^0x[0-9a-f]{32}$/.test(order.cloid) || BigInt(order.cloid) <= BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new InputError(`order of ${order.coin}: ${order.cloid} cannot serve as a cloid`, { cloid: order.cloid })
  }
  const size = Math.abs(order.size)
  if (!(size > 0) || Math.abs(roundSizeDown(size, sizeDecimals) - size) > 1e-9) {
    throw new InputError(`order ${order.cloid} of ${order.coin}: ${order.size} is not a multiple of its lot`, {
      coin: order.coin,
      size: order.size,
      sizeDecimals,
    })
  }
  // Written out by the library, which strips what must not be signed: trailing zeros and exponents.
  const limit = roundPrice(order.limitPrice, sizeDecimals, order.size > 0 ? 'buy' : 'sell')
  if (!(limit > 0)) throw new InputError(`order ${order.cloid} of ${order.coin}: a limit cannot be ${order.limitPrice}`)
  return {
    a: asset,
    b: order.size > 0,
    p: formatPrice(limit, sizeDecimals, 'perp'),
    s: formatSize(size.toFixed(sizeDecimals), sizeDecimals),
    r: order.reduceOnly,
    t: { limit: { tif: order.timeInForce } },
    c: order.cloid as `0x${string}`,
  }
}
