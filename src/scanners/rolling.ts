import { type Bars, HOUR, lowerBound } from '#data/bars.ts'

/** With a smaller share of its hours known, a window says nothing of the time it is named after. */
export const LEAST_SHARE_KNOWN = 0.75

/**
 * All windows are half-open ranges of rows `[start, end)` and summed anew each time: a week of hours costs less than a
 * microsecond, and differences of running sums would cancel where one hour traded more than all others.
 */

/** Row of the bar that closed at `asOf`; -1 where there is none. */
export function closedRow({ openTime }: Bars, asOf: number): number {
  const row = lowerBound(openTime, asOf - HOUR)
  return openTime[row] === asOf - HOUR ? row : -1
}

/** First row opened within the `hours` hours that end at `asOf`. */
export function firstRow({ openTime }: Bars, asOf: number, hours: number): number {
  return lowerBound(openTime, asOf - hours * HOUR)
}

/** Whether `known` of `hours` hours are enough to speak of all. */
export function covers(known: number, hours: number): boolean {
  return known >= LEAST_SHARE_KNOWN * hours
}

/** Greatest value of the rows; `-Infinity` of none. */
export function highest(column: Float64Array, start: number, end: number): number {
  let found = Number.NEGATIVE_INFINITY
  for (let i = start; i < end; i++) if (column[i] > found) found = column[i]
  return found
}

/** Least value of the rows; `Infinity` of none. */
export function lowest(column: Float64Array, start: number, end: number): number {
  let found = Number.POSITIVE_INFINITY
  for (let i = start; i < end; i++) if (column[i] < found) found = column[i]
  return found
}

/** Mean of the rows, all of them known; `NaN` of none. */
export function mean(column: Float64Array, start: number, end: number): number {
  let sum = 0
  for (let i = start; i < end; i++) sum += column[i]
  return sum / (end - start)
}

/**
 * Log return of the bar at `row` over the hour before; `NaN` where that hour is absent: across a gap it would be the
 * return of more than an hour.
 */
export function hourlyReturn({ close, openTime }: Bars, row: number): number {
  if (row < 1 || openTime[row] - openTime[row - 1] !== HOUR) return Number.NaN
  return Math.log(close[row] / close[row - 1])
}

/** Root mean square of the hourly log returns of the rows; `NaN` where fewer than `least` are known. */
export function returnVolatility(bars: Bars, start: number, end: number, least: number): number {
  let squares = 0
  let known = 0
  for (let row = start; row < end; row++) {
    const change = hourlyReturn(bars, row)
    if (Number.isNaN(change)) continue
    squares += change * change
    known++
  }
  return known >= Math.max(1, least) ? Math.sqrt(squares / known) : Number.NaN
}

/**
 * Mean true range of the rows as a fraction of the close before, max(high, close before) - min(low, close before)
 * (Wilder, New Concepts in Technical Trading Systems, 1978); `NaN` where fewer than `least` are known.
 */
export function meanTrueRange(bars: Bars, start: number, end: number, least: number): number {
  const { close, high, low, openTime } = bars
  let sum = 0
  let known = 0
  for (let row = Math.max(1, start); row < end; row++) {
    if (openTime[row] - openTime[row - 1] !== HOUR) continue
    const before = close[row - 1]
    sum += (Math.max(high[row], before) - Math.min(low[row], before)) / before
    known++
  }
  return known >= Math.max(1, least) ? sum / known : Number.NaN
}

/** Rank of each of at least two values as a share of all others below it, in [0, 1]; equal values share their mean. */
export function percentileRanks(values: Float64Array): Float64Array {
  const order = Uint32Array.from(values.keys()).sort((a, b) => values[a] - values[b])
  const ranks = new Float64Array(values.length)
  for (let first = 0; first < order.length; ) {
    let next = first + 1
    while (next < order.length && values[order[next]] === values[order[first]]) next++
    const rank = (first + next - 1) / 2 / (values.length - 1)
    for (let i = first; i < next; i++) ranks[order[i]] = rank
    first = next
  }
  return ranks
}
