import { type Bars, HOUR, lowerBound } from '#data/bars.ts'
import type { Direction } from './scanner.ts'

/**
 * Premium per unit of hourly rate: rate = (P + clamp(0.0001 - P, +-0.0005)) / 8, so outside the clamp's dead zone a
 * rate that falls by r lets the perpetual fall by 8 r against the spot price.
 */
export const PREMIUM_PER_RATE = 8

/**
 * Hourly funding settled in the `hours` hours up to and including `asOf`, oldest first; `NaN` where the bar or its
 * funding is missing. Nothing later than `asOf` is read.
 *
 * @param room for at least so many hours, written over: the grid is a view of its beginning
 */
export function fundingGrid(bars: Bars, asOf: number, hours: number, room = new Float64Array(hours)): Float64Array {
  const grid = room.subarray(0, hours).fill(Number.NaN)
  const first = asOf - hours * HOUR
  for (let i = lowerBound(bars.openTime, first); i < bars.openTime.length && bars.openTime[i] < asOf; i++) {
    grid[(bars.openTime[i] - first) / HOUR] = bars.funding[i]
  }
  return grid
}

/** The side that receives funding at `rate`: positive funding is paid by longs to shorts. */
export function paidSide(rate: number): Direction {
  if (rate > 0) return -1
  return rate < 0 ? 1 : 0
}
