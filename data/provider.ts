import type { TimeRange } from './bars.ts'

/** Hourly candles of one coin as a venue gives them, ascending and unique, finished ones only. */
export interface Candles {
  readonly coin: string
  /** Opening time, UTC milliseconds on the full hour. */
  readonly openTime: Float64Array
  readonly open: Float64Array
  readonly high: Float64Array
  readonly low: Float64Array
  readonly close: Float64Array
  /** Coins traded. */
  readonly volume: Float64Array
  /** Open interest in coins at the end of the candle, `NaN` where unknown; absent where the source has no history. */
  readonly openInterest?: Float64Array
}

/** Settled funding of one coin, ascending and unique. */
export interface FundingSeries {
  readonly coin: string
  /** Settlement time floored to the hour, UTC milliseconds. */
  readonly time: Float64Array
  /** Fraction per hour; positive: longs pay shorts. */
  readonly rate: Float64Array
}

/** A perpetual that the provider can serve. */
export interface Instrument {
  readonly coin: string
  /** False when the venue has delisted it; its history may still be served. */
  readonly live: boolean
  /** Decimals of an order size, where the venue says so. */
  readonly sizeDecimals?: number
  readonly maxLeverage?: number
  /** True where positions cannot share the account's margin. */
  readonly strictlyIsolated?: boolean
}

/** Open interest of one coin at one moment; venues give the present value only. */
export interface OpenInterest {
  readonly coin: string
  /** When it was observed, UTC milliseconds. */
  readonly time: number
  /** In coins. */
  readonly openInterest: number
}

/** A remark about data that was usable but not perfect: stated, counted, shown in the report. */
export interface DataNotice {
  readonly coin: string
  readonly kind:
    | 'gap'
    | 'duplicate'
    | 'unordered'
    | 'missing-funding'
    | 'truncated'
    | 'failover'
    | 'stale'
    | 'unavailable'
  readonly message: string
}

/**
 * Where market data comes from.
 *
 * Made by a function of its options; every driver passes `test/data/providers/conformance.ts`.
 * Methods throw `InputError` for what the caller must fix (unknown coin, broken file), `UnavailableError`
 * for what another try or provider may mend, and `VenueError` for an answer that is not what the venue
 * documents. An aborted `signal` rejects with its reason.
 */
export interface Provider {
  readonly name: string
  /** Where exactly: recorded with every dataset, e.g. `csv:/home/me/data`, `simulated:7`. */
  readonly origin: string
  /** True when fetching is expensive and what was fetched is to be kept in the local store. */
  readonly remote: boolean
  universe(signal?: AbortSignal): Promise<Instrument[]>
  /** Finished candles opened in `range`; fewer where the venue has no more. */
  candles(coin: string, range: TimeRange, signal?: AbortSignal): Promise<Candles>
  /** Funding settled in `(range.from, range.to]`: the settlements at the ends of the bars opened in `range`. */
  funding(coin: string, range: TimeRange, signal?: AbortSignal): Promise<FundingSeries>
  /** Present open interest of the coins it is known for; an empty list where it never is. */
  openInterest(signal?: AbortSignal): Promise<OpenInterest[]>
  /** What time it is at the venue, UTC milliseconds; absent where it has no clock of its own. */
  clock?(signal?: AbortSignal): Promise<number>
  /** Remarks gathered since the last call, oldest first. */
  takeNotices(): DataNotice[]
  close(): Promise<void>
}
