import { type Bars, checkBars, HOUR, LATEST_DATE, type TimeRange } from './bars.ts'
import { coreCoins } from './core-coins.ts'
import { InputError, UnavailableError, VenueError } from './errors.ts'
import { joinBars } from './join.ts'
import type { ProgressListener } from './progress.ts'
import type { DataNotice, Instrument, Provider } from './provider.ts'
import { hourText, unknownCoin } from './providers/series.ts'
import type { Store } from './store.ts'
import { throughStore } from './stored-provider.ts'

/** @see loadBars */
export interface LoadOptions {
  readonly provider: Provider
  /** Keeps what a remote provider serves. */
  readonly store?: Store
  readonly now: () => number
  /** Coins by name, `core` (the core eight that the source has), or `all` that are not delisted. */
  readonly coins: readonly string[] | 'core' | 'all'
  /** All that the source has unless given. */
  readonly range?: TimeRange
  readonly signal?: AbortSignal
  readonly progress?: ProgressListener
}

/** Bars by coin, in the order asked for, and everything to be said about them. */
export interface LoadedBars {
  readonly bars: Bars[]
  readonly notices: DataNotice[]
}

/** Everything up to the last hour that a date can hold. */
const ALWAYS: TimeRange = { from: 0, to: LATEST_DATE }
/** Coins under way at a time: enough to hide the latency of a venue, few enough for its weight budget. */
const AT_ONCE = 4

function chooseCoins(asked: LoadOptions['coins'], universe: readonly Instrument[], origin: string): string[] {
  const known = universe.map(({ coin }) => coin)
  const live = universe.filter((instrument) => instrument.live).map(({ coin }) => coin)
  if (asked === 'all') return live
  if (asked === 'core') {
    const found = coreCoins.filter((coin) => live.includes(coin))
    if (found.length > 0) return found
    const message = `${origin} has none of the core coins (${coreCoins.join(' ')}); name some of: ${known.join(' ')}`
    throw new InputError(message, { field: 'coins' })
  }
  if (asked.length === 0) throw new InputError('no coin was asked for', { field: 'coins' })
  for (const coin of asked) if (!known.includes(coin)) throw unknownCoin(coin, origin, known)
  return [...new Set(asked)]
}

/** Runs `work` on every item, a few at a time; the first error stops the rest and is thrown when all have stopped. */
async function forEachOf<T>(
  items: readonly T[],
  work: (item: T, stop: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
) {
  const failed = new AbortController()
  const stop = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal
  const left = [...items]
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      try {
        stop.throwIfAborted()
        await work(item, stop)
      } catch (error) {
        failed.abort(error)
        throw error
      }
    }
  }
  // All of them, so that nobody still writes to a store that the caller closes on the error.
  await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker))
  if (failed.signal.aborted) throw failed.signal.reason
}

/**
 * Loads the bars of several coins: candles joined with funding (and open interest where known), checked.
 *
 * A remote provider goes through the store, where one is given; its present open interest is written down at the same
 * time, since no venue keeps the history of it. Notices say what is not perfect: gaps, missing funding, a coin whose
 * bars begin after `range.from`, data served from the store because the venue was away.
 *
 * A coin that cannot be had now, or of which there are no bars in the range, is left out with an `unavailable`
 * notice, as long as another loads.
 *
 * @throws {InputError} for an unknown coin, a broken file, or when no coin has a bar in the range.
 * @throws {UnavailableError} or {VenueError} when that was the fate of every coin.
 */
export async function loadBars(options: LoadOptions): Promise<LoadedBars> {
  const { store, now, range, signal, progress } = options
  const throughTheStore = options.provider.remote && store !== undefined
  const provider = throughTheStore ? throughStore(options.provider, { store, now }) : options.provider
  const coins = chooseCoins(options.coins, await provider.universe(signal), provider.origin)
  const loaded = new Map<string, Bars>()
  const notices: DataNotice[] = []
  const failures: Error[] = []
  const leaveOut = (coin: string, message: string) => notices.push({ coin, kind: 'unavailable', message })

  if (throughTheStore) {
    try {
      await provider.openInterest(signal)
    } catch (error) {
      if (!(error instanceof UnavailableError || error instanceof VenueError)) throw error
      leaveOut('', `open interest of this hour was not written down: ${error.message}`)
    }
  }

  let done = 0
  progress?.({ stage: 'bars', done, total: coins.length })
  await forEachOf(
    coins,
    async (coin, stop) => {
      try {
        const candles = await provider.candles(coin, range ?? ALWAYS, stop)
        const count = candles.openTime.length
        if (count === 0) {
          leaveOut(coin, `${provider.origin} has no bars of ${coin} in the range asked for`)
        } else {
          const hull = { from: candles.openTime[0], to: candles.openTime[count - 1] + HOUR }
          const joined = joinBars(candles, await provider.funding(coin, hull, stop))
          checkBars(joined.bars)
          loaded.set(coin, joined.bars)
          notices.push(...joined.notices)
          if (range !== undefined && hull.from > range.from) {
            const message = `the first bar is of ${hourText(hull.from)}, asked from ${hourText(range.from)}`
            notices.push({ coin, kind: 'truncated', message })
          }
        }
      } catch (error) {
        if (!(error instanceof UnavailableError || error instanceof VenueError)) throw error
        failures.push(error)
        leaveOut(coin, error.message)
      }
      done++
      progress?.({ stage: 'bars', done, total: coins.length, note: coin })
    },
    signal,
  )
  notices.unshift(...provider.takeNotices())
  const bars = coins.flatMap((coin) => loaded.get(coin) ?? [])
  if (bars.length === 0) {
    if (failures.length > 0) throw failures[0]
    const asked = range ? ` from ${hourText(range.from)} to ${hourText(range.to)}` : ''
    throw new InputError(`${provider.origin} has no bars of ${coins.join(' ')}${asked}`, { field: 'range' })
  }
  const order = new Map(coins.map((coin, index) => [coin, index]))
  notices.sort((a, b) => (order.get(a.coin) ?? -1) - (order.get(b.coin) ?? -1))
  return { bars, notices }
}
