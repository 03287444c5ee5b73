import { type Bars, HOUR, lowerBound } from '#data/bars.ts'
import { type Account, valueAtMark } from '../account/account.ts'
import { toDollars } from '../account/money.ts'
import type { SizingOptions } from '../options/sizing.ts'

/** What is left under the caps, in dollars; changed as openings are decided. */
export interface Room {
  positions: number
  gross: number
  /** Longs and shorts. */
  long: number
  short: number
}

/** How large a position may be, and which limit bound it. */
export interface SizeLimit {
  readonly dollars: number
  readonly boundBy: 'risk' | 'coin cap' | 'side cap' | 'gross cap'
}

const HOURS_A_DAY = 24
const LEAST_SHARE_KNOWN = 0.75

/** What the caps leave after what the account holds at its marks. */
export function roomOf(account: Account, equityDollars: number, options: SizingOptions): Room {
  let positions = 0
  let long = 0
  let short = 0
  for (const holding of account.holdings.values()) {
    if (holding.size === 0) continue
    positions++
    const value = toDollars(valueAtMark(holding))
    if (value > 0) long += value
    else short -= value
  }
  const side = equityDollars * options.maxSideLeverage
  return {
    positions: options.maxPositions - positions,
    gross: equityDollars * options.maxGrossLeverage - long - short,
    long: side - long,
    short: side - short,
  }
}

/**
 * Equal risk: every position may move the equity by `riskShare` in a day of one standard deviation, so calm coins get
 * more dollars than wild ones; then the caps per coin, per side and on the gross.
 *
 * @param dailyVolatility standard deviation of a day's log return, see {@link dailyVolatility}.
 */
export function sizeLimit(
  equityDollars: number,
  dailyVolatility: number,
  direction: 1 | -1,
  room: Room,
  options: SizingOptions,
): SizeLimit {
  const limits: SizeLimit[] = [
    { dollars: (equityDollars * options.riskShare) / dailyVolatility, boundBy: 'risk' },
    { dollars: equityDollars * options.maxCoinShare, boundBy: 'coin cap' },
    { dollars: direction > 0 ? room.long : room.short, boundBy: 'side cap' },
    { dollars: room.gross, boundBy: 'gross cap' },
  ]
  const smallest = limits.reduce((least, limit) => (limit.dollars < least.dollars ? limit : least))
  return { dollars: Math.max(0, smallest.dollars), boundBy: smallest.boundBy }
}

/**
 * Root mean square of the hourly log returns of the last `hours` hours known at `asOf`, times the root of 24; `NaN`
 * where less than three quarters of them are known or nothing moved.
 */
export function dailyVolatility(bars: Bars, asOf: number, hours: number): number {
  let squares = 0
  let count = 0
  const { openTime, close } = bars
  for (let i = lowerBound(openTime, asOf - hours * HOUR); i < openTime.length && openTime[i] < asOf; i++) {
    if (i === 0 || openTime[i] - openTime[i - 1] !== HOUR) continue
    const step = Math.log(close[i] / close[i - 1])
    if (!Number.isFinite(step)) continue
    squares += step * step
    count++
  }
  if (count < hours * LEAST_SHARE_KNOWN || squares === 0) return Number.NaN
  return Math.sqrt((squares / count) * HOURS_A_DAY)
}

/** Takes an opening off the room, or gives back what a position held. */
export function takeRoom(room: Room, direction: 1 | -1, dollars: number): void {
  room.positions -= Math.sign(dollars)
  room.gross -= dollars
  if (direction > 0) room.long -= dollars
  else room.short -= dollars
}
