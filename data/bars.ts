import { InputError } from './errors.ts'
import { HOURLY_CAP } from './funding-rate.ts'

/** One hour in milliseconds: the only bar length millrace knows. */
export const HOUR = 3_600_000
/** The last millisecond that a date can hold; a full hour. */
export const LATEST_DATE = 8.64e15

/** Half-open range of bar opening times, `[from, to)`, UTC milliseconds on the full hour. */
export interface TimeRange {
  readonly from: number
  readonly to: number
}

/**
 * The bars of one coin, one typed array per column, ascending and unique in `openTime`.
 *
 * Hours may be absent (see {@link gaps}). A bar opened at T is known at T + 1 h, and so is the
 * funding settled then; `NaN` marks what is not known.
 */
export interface Bars {
  readonly coin: string
  /** Opening time, UTC milliseconds on the full hour. */
  readonly openTime: Float64Array
  /** Prices in USD. */
  readonly open: Float64Array
  readonly high: Float64Array
  readonly low: Float64Array
  readonly close: Float64Array
  /** Coins traded. */
  readonly volume: Float64Array
  /** Funding rate settled at the end of the bar, fraction per hour; positive: longs pay shorts. */
  readonly funding: Float64Array
  /** Open interest in coins at the end of the bar. */
  readonly openInterest: Float64Array
}

/** Consecutive absent hours between two bars: `[from, to)`, `hours` long. */
export interface Gap extends TimeRange {
  readonly hours: number
}

/** The moment at which bar `index` is known: its opening time plus one hour. */
export function asOf(bars: Bars, index: number): number {
  return bars.openTime[index] + HOUR
}

/** Rounds down to the full hour. */
export function floorToHour(time: number): number {
  return Math.floor(time / HOUR) * HOUR
}

/** Rounds up to the full hour. */
export function ceilToHour(time: number): number {
  return Math.ceil(time / HOUR) * HOUR
}

/** Bars of `coin` with `length` rows of `NaN`, to be filled. */
export function allocateBars(coin: string, length: number): Bars {
  const column = () => new Float64Array(length).fill(Number.NaN)
  return {
    coin,
    openTime: column(),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
    funding: column(),
    openInterest: column(),
  }
}

/** Index of the first bar opened at or after `time` (binary search); `openTime.length` if there is none. */
export function lowerBound(openTime: Float64Array, time: number): number {
  let low = 0
  let high = openTime.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (openTime[middle] < time) low = middle + 1
    else high = middle
  }
  return low
}

/** A view (no copy) of the bars with index in `[start, end)`. */
export function viewBars(bars: Bars, start: number, end: number): Bars {
  return {
    coin: bars.coin,
    openTime: bars.openTime.subarray(start, end),
    open: bars.open.subarray(start, end),
    high: bars.high.subarray(start, end),
    low: bars.low.subarray(start, end),
    close: bars.close.subarray(start, end),
    volume: bars.volume.subarray(start, end),
    funding: bars.funding.subarray(start, end),
    openInterest: bars.openInterest.subarray(start, end),
  }
}

/** A view of the bars opened in `range`. */
export function barsWithin(bars: Bars, range: TimeRange): Bars {
  return viewBars(bars, lowerBound(bars.openTime, range.from), lowerBound(bars.openTime, range.to))
}

/** What was known at `time`: the bars opened at or before `time - 1 h`. */
export function barsKnownAt(bars: Bars, time: number): Bars {
  return viewBars(bars, 0, lowerBound(bars.openTime, time - HOUR + 1))
}

/** The absent hours between the first and the last bar. */
export function gaps(openTime: Float64Array): Gap[] {
  const found: Gap[] = []
  for (let i = 1; i < openTime.length; i++) {
    const hours = (openTime[i] - openTime[i - 1]) / HOUR - 1
    if (hours > 0) found.push({ from: openTime[i - 1] + HOUR, to: openTime[i], hours })
  }
  return found
}

/**
 * Checks the invariants every provider and store must keep.
 *
 * @throws {InputError} naming coin, hour, field and value of the first bar that breaks one.
 */
export function checkBars(bars: Bars): void {
  const { coin, openTime, open, high, low, close, volume, funding, openInterest } = bars
  for (let i = 0; i < openTime.length; i++) {
    const fail = (field: string, value: number, rule: string): never => {
      const time = Math.abs(openTime[i]) <= LATEST_DATE ? new Date(openTime[i]).toISOString() : String(openTime[i])
      throw new InputError(`${coin} bar ${time}: ${field} ${rule}, got ${value}`, { coin, time, field, value })
    }
    if (!Number.isInteger(openTime[i]) || openTime[i] % HOUR !== 0) fail('openTime', openTime[i], 'must be a full hour')
    if (i > 0 && openTime[i] <= openTime[i - 1]) fail('openTime', openTime[i], 'must be after the bar before')
    if (!(open[i] > 0)) fail('open', open[i], 'must be a positive number')
    if (!(close[i] > 0)) fail('close', close[i], 'must be a positive number')
    if (!(low[i] > 0)) fail('low', low[i], 'must be a positive number')
    if (!(high[i] < Number.POSITIVE_INFINITY)) fail('high', high[i], 'must be a finite number')
    if (!(high[i] >= Math.max(open[i], close[i]))) fail('high', high[i], 'must not be below open or close')
    if (!(low[i] <= Math.min(open[i], close[i]))) fail('low', low[i], 'must not be above open or close')
    if (!(volume[i] >= 0 && volume[i] < Number.POSITIVE_INFINITY)) fail('volume', volume[i], 'must be zero or more')
    // What is not known is NaN; what is known must be a number that can be.
    if (Math.abs(funding[i]) > HOURLY_CAP) fail('funding', funding[i], `must be within +-${HOURLY_CAP} an hour`)
    if (openInterest[i] < 0 || openInterest[i] === Number.POSITIVE_INFINITY) {
      fail('openInterest', openInterest[i], 'must be zero or more')
    }
  }
}
