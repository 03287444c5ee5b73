import { floorToHour, gaps, HOUR, type TimeRange } from './bars.ts'
import { UnavailableError, VenueError } from './errors.ts'
import { createNoticeBook } from './notices.ts'
import type { Candles, FundingSeries, Instrument, Provider } from './provider.ts'
import { checkRange, hourText } from './providers/series.ts'
import type { Coverage, SeriesKind, Store } from './store.ts'

/** The venue may correct or complete its newest rows: this much is always asked for again. */
const REVISED = 3 * HOUR
/** A hole that may still be filled is looked at again when it was last asked for longer ago than this. */
const PATIENCE = 5 * 60_000
/** A missing hour may still be published within this time; what is missing longer stays a gap. */
const LATE = 72 * HOUR

/** So long after the list of coins could not be had the venue is not waited for again, coin by coin. */
const AWAY = 60_000

/** @see throughStore */
export interface StoredProviderOptions {
  readonly store: Store
  readonly now: () => number
  /**
   * What to do when the provider does not serve and the store has something of the range: `serve-stored` gives that
   * with a `stale` notice, `throw` leaves it to the caller (for a member of a failover).
   */
  readonly whenUnavailable?: 'serve-stored' | 'throw'
}

/**
 * The parts that have to be fetched so that `range` is covered. What is covered stays unbroken, so hours between it
 * and `range` are fetched too.
 *
 * @param firstLate first missing hour that may still be published.
 */
export function planFetch(range: TimeRange, has: Coverage | undefined, firstLate: number, now: number): TimeRange[] {
  const known = floorToHour(now)
  const to = Math.min(range.to, known)
  if (has === undefined) return to > range.from ? [{ from: range.from, to }] : []
  const missing: TimeRange[] = []
  if (range.from < has.from) missing.push({ from: range.from, to: has.from })
  const hopeful = firstLate < has.to && now - has.checked >= PATIENCE
  const upToDate = floorToHour(has.checked) === known && !hopeful
  const mayChange = to > has.to - REVISED && has.to > known - LATE
  if (to > has.to || (mayChange && !upToDate)) {
    const from = Math.max(Math.min(range.from, has.from), Math.min(has.to - REVISED, firstLate))
    missing.push({ from, to: Math.max(to, has.to) })
  }
  return missing
}

/**
 * `provider`, with everything it serves kept in `store`: what is there already is not fetched again. The newest hours
 * are, because the venue publishes missing candles late; so is everything from the first hour missing within the last
 * three days. Open interest is written down whenever it is asked for, and comes back with the candles.
 *
 * A venue that does not even give its list of coins is away: for the next minute everything that is not in the store
 * fails at once.
 *
 * The result is not `remote`. It shares the origin of `provider`, and closes it, but not the store.
 */
export function throughStore(provider: Provider, options: StoredProviderOptions): Provider {
  const { store, now, whenUnavailable = 'serve-stored' } = options
  const { origin } = provider
  const notices = createNoticeBook()
  /** Why the list of coins last came from the store, and when that was. */
  let away: { readonly error: Error; readonly at: number } | undefined

  function failWhileAway(): void {
    if (away !== undefined && now() - away.at < AWAY) throw away.error
  }

  /** True when the store may stand in for a provider that failed with `error`. */
  function mayServeStored(error: unknown): error is UnavailableError | VenueError {
    return whenUnavailable === 'serve-stored' && (error instanceof UnavailableError || error instanceof VenueError)
  }

  async function refresh(
    coin: string,
    kind: SeriesKind,
    range: TimeRange,
    storedTimes: (covered: TimeRange) => Float64Array,
    fetchInto: (missing: TimeRange, covered: Coverage) => Promise<void>,
  ): Promise<void> {
    const moment = now()
    const has = store.coverage(origin, coin, kind)
    const firstLate = has === undefined ? Number.POSITIVE_INFINITY : firstMissing(storedTimes(has), has, moment)
    let covered = has
    for (const part of planFetch(range, has, firstLate, moment)) {
      failWhileAway()
      // Each part is covered as soon as it is stored: a failure of the second keeps the first.
      covered = extend(covered, part, moment)
      await fetchInto(part, covered)
    }
  }

  async function orStored<T>(
    coin: string,
    what: string,
    signal: AbortSignal | undefined,
    update: () => Promise<void>,
    read: () => T,
    times: (series: T) => Float64Array,
  ): Promise<T> {
    signal?.throwIfAborted()
    try {
      await update()
    } catch (error) {
      signal?.throwIfAborted()
      if (!mayServeStored(error)) throw error
      const series = read()
      const last = times(series).at(-1)
      if (last === undefined) throw error
      const message = `${what} come from the store, the last of ${hourText(last)}, because: ${error.message}`
      notices.add({ coin, kind: 'stale', message })
      return series
    }
    return read()
  }

  return {
    name: provider.name,
    origin,
    remote: false,
    async universe(signal): Promise<Instrument[]> {
      try {
        const instruments = await provider.universe(signal)
        away = undefined
        return instruments
      } catch (error) {
        signal?.throwIfAborted()
        const coins = store.coins(origin)
        if (!mayServeStored(error) || coins.length === 0) throw error
        away = { error, at: now() }
        const message = `the list of coins is what the store has, because: ${error.message}`
        notices.add({ coin: '', kind: 'stale', message })
        return coins.map((coin) => ({ coin, live: true }))
      }
    },
    async candles(coin: string, range: TimeRange, signal?: AbortSignal): Promise<Candles> {
      checkRange(range)
      const read = () => store.candles(origin, coin, range)
      const update = () =>
        refresh(
          coin,
          'candles',
          range,
          (covered) => store.candles(origin, coin, recent(covered)).openTime,
          async (part, covered) => store.addCandles(origin, await provider.candles(coin, part, signal), covered),
        )
      return orStored(coin, 'candles', signal, update, read, (series) => series.openTime)
    },
    async funding(coin: string, range: TimeRange, signal?: AbortSignal): Promise<FundingSeries> {
      checkRange(range)
      const read = () => store.funding(origin, coin, range)
      const update = () =>
        refresh(
          coin,
          'funding',
          range,
          (covered) => store.funding(origin, coin, recent(covered)).time.map((time) => time - HOUR),
          async (part, covered) => store.addFunding(origin, await provider.funding(coin, part, signal), covered),
        )
      return orStored(coin, 'funding rates', signal, update, read, (series) => series.time)
    },
    async openInterest(signal) {
      failWhileAway()
      const snapshots = await provider.openInterest(signal)
      store.addOpenInterest(origin, snapshots)
      return snapshots
    },
    takeNotices() {
      for (const notice of provider.takeNotices()) notices.add(notice)
      return notices.take()
    },
    close: () => provider.close(),
  }
}

/** The end of a covered range in which late rows may still come. */
function recent(covered: TimeRange): TimeRange {
  return { from: Math.max(covered.from, covered.to - LATE), to: covered.to }
}

/** First hour without a row in the recent part of what is covered; infinity when there is none, or no row at all. */
function firstMissing(times: Float64Array, covered: TimeRange, now: number): number {
  if (times.length === 0) return Number.POSITIVE_INFINITY
  const oldest = floorToHour(now) - LATE
  const inner = gaps(times).find(({ to }) => to > oldest)
  if (inner !== undefined) return Math.max(inner.from, oldest)
  const end = times[times.length - 1] + HOUR
  return end < covered.to ? Math.max(end, oldest) : Number.POSITIVE_INFINITY
}

/** The smallest unbroken range of both. */
function extend(has: Coverage | undefined, part: TimeRange, now: number): Coverage {
  if (has === undefined) return { ...part, checked: now }
  const checked = part.to >= has.to ? now : has.checked
  return { from: Math.min(has.from, part.from), to: Math.max(has.to, part.to), checked }
}
