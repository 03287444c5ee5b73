import { type Holding, valueAtMark } from '../account/account.ts'
import type { OrderRequest } from '../venue/order.ts'
import type { Contract } from '../venue/venue.ts'

/**
 * The venue's words (Hyperliquid document, section 8.4). On the wire they end in ` asset=<index>`, which is left out
 * here: a listing knows its coin and no index.
 */
export const WORDS = {
  tick: 'Price must be divisible by tick size.',
  size: 'Order has invalid size.',
  price: 'Order has invalid price.',
  minimum: 'Order must have minimum value of $10.',
  band: 'Order price cannot be more than 80% away from the reference price',
  reduceOnly: 'Reduce only order would increase position.',
  margin: 'Insufficient margin to place order.',
  tier: 'Order would cause position to exceed margin tier limit at current leverage',
  noLiquidity: 'No liquidity available for market order.',
  noMatch: 'Order could not immediately match against any resting orders.',
  switchMode: 'Cannot switch leverage type with open position.',
  leverage: 'Invalid leverage value',
  decreaseLeverage:
    'Isolated position does not have sufficient margin available to decrease leverage. To decrease leverage, add margin to the position.',
  noCross: 'Cross margin is not allowed for this asset.',
} as const

/** Why an accepted order ends (`orderStatus`, section 1.13). */
export const ENDED = {
  reduceOnly: 'reduceOnlyCanceled',
  margin: 'marginCanceled',
  liquidated: 'liquidatedCanceled',
} as const

export function postOnlyWords(bid: number, ask: number): string {
  return `Post only order would have immediately matched, bbo was ${bid}@${ask}.`
}

const SIGNIFICANT_FIGURES = 5
/** A perpetual's price has at most so many decimals, less those of its size. */
const PRICE_DECIMALS = 6
const LEAST_DOLLARS = 10
const PRICE_BAND = 0.8
/** A grid point that is missed by less than this is one: 0.1 + 0.2 is three steps of 0.1. */
const GRID_TOLERANCE = 1e-9

/** Decimals that a price of this magnitude may have: five significant figures, and integers always (section 7). */
export function priceDecimals(price: number, sizeDecimals: number): number {
  // Not through a logarithm: that of 1000 is not exactly 3 everywhere.
  const exponent = Number(price.toExponential().split('e')[1])
  return Math.max(0, Math.min(PRICE_DECIMALS - sizeDecimals, SIGNIFICANT_FIGURES - 1 - exponent))
}

export function isOnTick(price: number, sizeDecimals: number): boolean {
  return Number.isInteger(price) || Number(price.toFixed(priceDecimals(price, sizeDecimals))) === price
}

/**
 * The nearest tick that accepts no worse a price: below for a buy, above for a sale. A buy below the smallest tick comes
 * to 0, which the venue refuses.
 */
export function roundPrice(price: number, sizeDecimals: number, side: 'buy' | 'sell'): number {
  if (!(price > 0 && Number.isFinite(price))) return price
  return onGrid(price, priceDecimals(price, sizeDecimals), side === 'buy' ? Math.floor : Math.ceil)
}

/** Cuts a size to the lot grid, towards 0. */
export function roundSizeDown(size: number, sizeDecimals: number): number {
  const coins = onGrid(Math.abs(size), sizeDecimals, Math.floor)
  return size < 0 && coins > 0 ? -coins : coins
}

/** @param value zero or more. */
function onGrid(value: number, decimals: number, round: (steps: number) => number): number {
  const scale = 10 ** decimals
  const steps = value * scale
  const nearest = Math.round(steps)
  const near = Math.abs(steps - nearest) <= GRID_TOLERANCE * Math.max(1, nearest)
  return (near ? nearest : round(steps)) / scale
}

/** Coins of an order that open or add to a position, without sign: what is left after it has closed the position. */
export function openingSize(size: number, position: number): number {
  if (position === 0 || Math.sign(size) === Math.sign(position)) return Math.abs(size)
  return Math.max(0, Math.abs(size) - Math.abs(position))
}

/** True where the order, or what a reduce-only one is cut to, leaves the position flat. */
function closesWhole({ size, reduceOnly }: OrderRequest, position: number): boolean {
  if (position === 0 || Math.sign(size) === Math.sign(position)) return false
  return reduceOnly ? Math.abs(size) >= Math.abs(position) : Math.abs(size) === Math.abs(position)
}

/**
 * What the venue would refuse about an order's own numbers (sections 7 and 8.3), in its words; undefined where nothing.
 *
 * The least value counts an immediate order at the reference price, where it would match, and a resting one at its limit;
 * closing a whole position may be worth less.
 *
 * @param position signed coins held.
 * @param reference mark price, or what stands in for it.
 */
export function refusalOf(
  order: OrderRequest,
  { sizeDecimals }: Contract,
  position: number,
  reference: number,
): string | undefined {
  const { size, limitPrice, timeInForce, reduceOnly } = order
  if (!(limitPrice > 0 && Number.isFinite(limitPrice))) return WORDS.price
  if (!isOnTick(limitPrice, sizeDecimals)) return WORDS.tick
  if (!Number.isFinite(size) || size === 0 || roundSizeDown(size, sizeDecimals) !== size) return WORDS.size
  if (Math.abs(limitPrice / reference - 1) > PRICE_BAND) return WORDS.band
  if (reduceOnly && (position === 0 || Math.sign(size) === Math.sign(position))) return WORDS.reduceOnly
  const price = timeInForce === 'Ioc' ? reference : limitPrice
  if (Math.abs(size) * price < LEAST_DOLLARS && !closesWhole(order, position)) return WORDS.minimum
  return undefined
}

/** What the venue would refuse about the margin mode and leverage an order asks for; undefined where nothing. */
export function marginRefusal(
  margin: NonNullable<OrderRequest['margin']>,
  { marginTiers, strictlyIsolated }: Contract,
  holding: Holding | undefined,
): string | undefined {
  const { mode, leverage } = margin
  if (!Number.isInteger(leverage) || leverage < 1 || leverage > marginTiers[0].maxLeverage) return WORDS.leverage
  if (mode === 'cross' && strictlyIsolated === true) return WORDS.noCross
  if (holding === undefined || holding.size === 0) return undefined
  if (holding.mode !== mode) return WORDS.switchMode
  const value = valueAtMark(holding)
  const short = mode === 'isolated' && holding.rawUsd + value < Math.abs(value) / leverage
  return short && leverage < holding.leverage ? WORDS.decreaseLeverage : undefined
}
