import { HOUR, lowerBound, type TimeRange } from '../bars.ts'
import { InputError } from '../errors.ts'
import type { Candles, FundingSeries } from '../provider.ts'

/**
 * Checks that a range is made of full hours and does not run backwards.
 *
 * @throws {InputError} naming the end that is wrong.
 */
export function checkRange(range: TimeRange): void {
  for (const field of ['from', 'to'] as const) {
    const value = range[field]
    if (!Number.isInteger(value) || value % HOUR !== 0) {
      throw new InputError(`range.${field} must be a full hour in UTC milliseconds, got ${value}`, { field, value })
    }
  }
  if (range.to < range.from) {
    throw new InputError(`range.to (${range.to}) lies before range.from (${range.from})`, { field: 'to', ...range })
  }
}

/** The error for a coin that a provider does not have; lists the ones it has, so that a typo is seen at once. */
export function unknownCoin(coin: string, origin: string, known: readonly string[]): InputError {
  const shown = known.length > 60 ? `${known.slice(0, 60).join(' ')} ... (${known.length})` : known.join(' ')
  return new InputError(`unknown coin "${coin}" at ${origin}; it has: ${shown}`, { coin, field: 'coin', value: coin })
}

/** A view (no copy) of the candles opened in `range`. */
export function candlesWithin(candles: Candles, range: TimeRange): Candles {
  const start = lowerBound(candles.openTime, range.from)
  const end = lowerBound(candles.openTime, range.to)
  return {
    coin: candles.coin,
    openTime: candles.openTime.subarray(start, end),
    open: candles.open.subarray(start, end),
    high: candles.high.subarray(start, end),
    low: candles.low.subarray(start, end),
    close: candles.close.subarray(start, end),
    volume: candles.volume.subarray(start, end),
    ...(candles.openInterest && { openInterest: candles.openInterest.subarray(start, end) }),
  }
}

/** A view (no copy) of the settlements in `(range.from, range.to]`. */
export function fundingWithin(funding: FundingSeries, range: TimeRange): FundingSeries {
  const start = lowerBound(funding.time, range.from + 1)
  const end = lowerBound(funding.time, range.to + 1)
  return { coin: funding.coin, time: funding.time.subarray(start, end), rate: funding.rate.subarray(start, end) }
}

/** An hour as people read it: `2025-04-01 13:00 UTC`. */
export function hourText(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
