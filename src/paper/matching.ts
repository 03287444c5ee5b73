import { HOUR } from '#data/bars.ts'
import { averageDistance, coinsWithin, type Depth } from './depth.ts'
import { beyondLimit, type HourPath } from './path.ts'
import { roundPrice, roundSizeDown } from './rules.ts'

export type Side = 'buy' | 'sell'

/** Best prices around a mid, on the tick grid, never narrower than the depth says. */
export function bestPrices(
  mid: number,
  { halfSpread }: Depth,
  sizeDecimals: number,
): { readonly bid: number; readonly ask: number } {
  return {
    bid: roundPrice(mid * (1 - halfSpread), sizeDecimals, 'buy'),
    ask: roundPrice(mid * (1 + halfSpread), sizeDecimals, 'sell'),
  }
}

/**
 * Takes from the book at once, walking it as far as the limit, the volume and the lot grid allow.
 *
 * @param wanted coins, without sign.
 * @param volume coins that the hour has left to take.
 * @returns coins without sign (0: nothing matches) and the average price of the walk.
 */
export function takeFromBook(
  mid: number,
  depth: Depth,
  side: Side,
  wanted: number,
  limitPrice: number,
  volume: number,
  sizeDecimals: number,
): { readonly coins: number; readonly price: number } {
  const sign = side === 'buy' ? 1 : -1
  const within = coinsWithin(depth, sign * (limitPrice / mid - 1))
  const most = Math.min(within, volume)
  const coins = wanted <= most ? wanted : roundSizeDown(most, sizeDecimals)
  return { coins, price: mid * (1 + sign * averageDistance(depth, coins)) }
}

/** When one leg of the path trades through a resting order, and how much of it fills by then. */
export interface MakerChance {
  /** UTC milliseconds: the price is beyond the limit from here to there. */
  readonly from: number
  readonly to: number
  /** Coins that the order may take of the hour's volume for each millisecond in between. */
  readonly coinsPerMs: number
}

/**
 * The chance of a resting order on one leg: while the price is strictly beyond the limit, it takes part in the hour's
 * volume, which is spread evenly over the hour, with `participation`.
 */
export function makerChance(
  path: HourPath,
  leg: number,
  limitPrice: number,
  side: Side,
  after: number,
  volume: number,
  participation: number,
): MakerChance | undefined {
  const coinsPerMs = (participation * volume) / HOUR
  if (coinsPerMs === 0) return undefined
  const beyond = beyondLimit(path, leg, limitPrice, side, after)
  return beyond === undefined ? undefined : { ...beyond, coinsPerMs }
}

/** Whole millisecond at which a chance has brought `coins`, or at which it ends. */
export function filledAt({ from, to, coinsPerMs }: MakerChance, coins: number): number {
  return Math.ceil(Math.min(to, from + coins / coinsPerMs))
}

/** Coins that a chance has brought by `time`. */
export function broughtBy({ from, to, coinsPerMs }: MakerChance, time: number): number {
  return coinsPerMs * Math.max(0, Math.min(time, to) - from)
}
