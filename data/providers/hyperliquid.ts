import { HttpTransport } from '@nktkas/hyperliquid'
import { candleSnapshot, exchangeStatus, fundingHistory, meta, metaAndAssetCtxs } from '@nktkas/hyperliquid/api/info'
import { floorToHour, HOUR, type TimeRange } from '../bars.ts'
import { allocateCandles } from '../candles.ts'
import { VenueError } from '../errors.ts'
import { createNoticeBook } from '../notices.ts'
import type { Candles, FundingSeries, Instrument, OpenInterest, Provider } from '../provider.ts'
import { createRandom, type Random } from '../random.ts'
import { createWeightBudget, type Sleep, sleepFor, type WeightBudget } from '../weight-budget.ts'
import {
  type CandleRow,
  readCandles,
  readClock,
  readFunding,
  readOpenInterest,
  readUniverse,
} from './hyperliquid-answers.ts'
import { createRequester, PATIENT, type RequestPolicy } from './hyperliquid-requests.ts'
import { checkRange, hourText, unknownCoin } from './series.ts'

/** Candles per coin and interval that the venue keeps; there is no page further back. */
export const CANDLES_KEPT = 5000
const FUNDING_PAGE = 500
/** Every info request weighs this much, plus one for each started `perItem` rows of the answer. */
const BASE_WEIGHT = 20
const ITEMS_PER_WEIGHT = { candles: 60, funding: 20 }
/** A coin that is not in the list is looked up again when the list is older than this: it may be newly listed. */
const UNIVERSE_FRESH = 60_000
/**
 * From here on funding is settled every hour. Rows before are 8-hourly and obey another formula
 * (`premium + 0.0003`, not divided by 8), so they are no rates per hour and are left out.
 */
const HOURLY_SINCE = Date.UTC(2023, 5, 9)

/** @see createHyperliquidProvider */
export interface HyperliquidOptions {
  /** Base address of the API; the venue's own unless given. */
  readonly apiUrl?: string
  readonly now: () => number
  /** Longest wait for one answer, milliseconds. */
  readonly timeout?: number
  /** Shared between all providers that use one IP address. */
  readonly budget?: WeightBudget
  readonly policy?: RequestPolicy
  /** For tests: how to wait, and where the jitter comes from. */
  readonly sleep?: Sleep
  readonly random?: Pick<Random, 'uniform'>
}

function weightOf(rows: number, perItem: number): number {
  return BASE_WEIGHT + Math.ceil(rows / perItem)
}

function costOf(mostRows: number, perItem: number) {
  return {
    most: weightOf(mostRows, perItem),
    actual: (answer: unknown) => weightOf(Array.isArray(answer) ? answer.length : 0, perItem),
  }
}

/** Requests that weigh 2 (hyperliquid.md section 3). */
const LIGHT_COST = { most: 2, actual: () => 2 }
const PLAIN_COST = { most: BASE_WEIGHT, actual: () => BASE_WEIGHT }

function toCandles(coin: string, rows: readonly CandleRow[]): Candles {
  const candles = allocateCandles(coin, rows.length)
  rows.forEach((row, i) => {
    candles.openTime[i] = row.time
    candles.open[i] = row.open
    candles.high[i] = row.high
    candles.low[i] = row.low
    candles.close[i] = row.close
    candles.volume[i] = row.volume
  })
  return candles
}

/** Says so when the hours before the first row are missing because the venue no longer has them. */
function truncation(range: TimeRange, rows: readonly CandleRow[], now: number): string | undefined {
  const oldestKept = floorToHour(now) - CANDLES_KEPT * HOUR
  if (range.from >= oldestKept) return undefined
  const asked = `asked from ${hourText(range.from)}, but the venue keeps only the newest ${CANDLES_KEPT} hourly candles`
  if (rows.length === 0) return range.to > range.from ? `${asked}: none of the range is left` : undefined
  const first = rows[0].time
  // A coin listed within the reach begins later and has fewer rows: nothing of it was cut off.
  const cut = first > range.from && (first <= oldestKept + HOUR || rows.length >= CANDLES_KEPT - 1)
  return cut ? `${asked}: the first is ${hourText(first)}` : undefined
}

/** True when two rows of one hour say the same. */
function sameCandle(a: CandleRow, b: CandleRow): boolean {
  return a.open === b.open && a.high === b.high && a.low === b.low && a.close === b.close && a.volume === b.volume
}

/**
 * Perpetuals of the first (validator-operated) dex of Hyperliquid, over its public info endpoint.
 *
 * All requests draw from one weight budget (1,200 a minute). 429, 5xx, timeouts and broken connections are retried
 * with jittered backoff; nothing else is. A coin is looked up in the venue's list before it is asked for, because
 * the venue answers an unknown one with 500 `null`, which is indistinguishable from an outage.
 *
 * Candles reach back {@link CANDLES_KEPT} hours; asking for more gives a `truncated` notice. A candle still forming
 * is dropped. Settlements are floored to the hour. Doubled rows that agree are merged with a `duplicate` notice;
 * doubled rows that do not are a `VenueError`.
 */
export function createHyperliquidProvider(options: HyperliquidOptions): Provider {
  const { apiUrl, now, timeout = 10_000, policy = PATIENT, sleep = sleepFor } = options
  const transport = new HttpTransport({ timeout, ...(apiUrl !== undefined && { apiUrl }) })
  const budget = options.budget ?? createWeightBudget({ now, sleep })
  const random = options.random ?? createRandom(now())
  const request = createRequester({ transport, budget, policy, sleep, random })
  const origin = `hyperliquid:${String(transport.apiUrl).replace(/\/+$/, '')}`
  const notices = createNoticeBook()
  let listed: { at: number; instruments: Instrument[]; coins: Set<string> } | undefined

  async function universe(signal?: AbortSignal): Promise<Instrument[]> {
    const answer = await request('meta', PLAIN_COST, (to, stop) => meta({ transport: to }, {}, stop), signal)
    const instruments = readUniverse(answer)
    listed = { at: now(), instruments, coins: new Set(instruments.map(({ coin }) => coin)) }
    return instruments
  }

  async function requireCoin(coin: string, signal?: AbortSignal): Promise<void> {
    if (listed?.coins.has(coin)) return
    if (listed === undefined || now() - listed.at > UNIVERSE_FRESH) await universe(signal)
    if (!listed?.coins.has(coin)) throw unknownCoin(coin, origin, [...(listed?.coins ?? [])])
  }

  /** One page: the newest candles that overlap `[startTime, endTime]`. */
  async function candlePage(coin: string, startTime: number, endTime: number, signal?: AbortSignal) {
    const most = Math.min(CANDLES_KEPT, Math.ceil((endTime - startTime) / HOUR) + 1)
    const answer = await request(
      `candleSnapshot ${coin}`,
      costOf(most, ITEMS_PER_WEIGHT.candles),
      (to, stop) => candleSnapshot({ transport: to }, { coin, interval: '1h', startTime, endTime }, stop),
      signal,
    )
    return readCandles(answer, coin)
  }

  /** Removes rows that repeat the hour of the row before. */
  function mergeDoubled<T extends { readonly time: number }>(
    coin: string,
    what: string,
    rows: readonly T[],
    same: (a: T, b: T) => boolean,
  ): T[] {
    const kept: T[] = []
    for (const row of rows) {
      const last = kept.at(-1)
      if (last?.time !== row.time) {
        kept.push(row)
        continue
      }
      if (!same(last, row)) {
        const at = hourText(row.time)
        throw new VenueError(`${what} ${coin}: two rows for ${at} contradict each other`, {
          coin,
          field: what,
          value: [last, row],
        })
      }
    }
    const dropped = rows.length - kept.length
    if (dropped > 0) notices.add({ coin, kind: 'duplicate', message: `${what}: ${dropped} repeated rows dropped` })
    return kept
  }

  return {
    name: 'hyperliquid',
    origin,
    remote: true,
    universe,

    async candles(coin: string, range: TimeRange, signal?: AbortSignal): Promise<Candles> {
      checkRange(range)
      await requireCoin(coin, signal)
      const asked = now()
      const end = Math.min(range.to, floorToHour(asked))
      const pages: CandleRow[][] = []
      // The venue gives the newest rows of a window, so pages run backwards until one is not full.
      for (let before = end; before > range.from; ) {
        const rows = await candlePage(coin, range.from, before - 1, signal)
        const wanted = rows.filter(({ time, end: last }) => time >= range.from && time < before && last < asked)
        if (wanted.length > 0) pages.unshift(wanted)
        if (rows.length < CANDLES_KEPT || wanted.length === 0) break
        before = wanted[0].time
      }
      const rows = mergeDoubled(coin, 'candles', pages.flat(), sameCandle)
      const truncated = truncation(range, rows, asked)
      if (truncated !== undefined) notices.add({ coin, kind: 'truncated', message: truncated })
      return toCandles(coin, rows)
    },

    async funding(coin: string, range: TimeRange, signal?: AbortSignal): Promise<FundingSeries> {
      checkRange(range)
      await requireCoin(coin, signal)
      const rows: { time: number; rate: number }[] = []
      // Stamps lie some milliseconds past the hour they settle, hence the whole last hour.
      const endTime = Math.min(range.to + HOUR - 1, now())
      let startTime = range.from + HOUR
      while (startTime <= endTime) {
        const from = startTime
        const answer = await request(
          `fundingHistory ${coin}`,
          costOf(Math.min(FUNDING_PAGE, Math.ceil((endTime - from) / HOUR) + 1), ITEMS_PER_WEIGHT.funding),
          (to, stop) => fundingHistory({ transport: to }, { coin, startTime: from, endTime }, stop),
          signal,
        )
        const page = readFunding(answer, coin)
        if (page.length === 0) break
        if (page[0].time < from) {
          throw new VenueError(
            `fundingHistory ${coin}: time must not lie before startTime ${from}, got ${page[0].time}`,
            {
              coin,
              field: 'time',
              value: page[0].time,
            },
          )
        }
        for (const { time, rate } of page) rows.push({ time: floorToHour(time), rate })
        if (page.length < FUNDING_PAGE) break
        startTime = page[page.length - 1].time + 1
      }
      const inRange = rows.filter(({ time }) => time > range.from && time <= range.to)
      const hourly = inRange.filter(({ time }) => time >= HOURLY_SINCE)
      if (hourly.length < inRange.length) {
        const since = hourText(HOURLY_SINCE)
        const message = `funding before ${since} was settled every 8 hours by another formula and is left out`
        notices.add({ coin, kind: 'truncated', message })
      }
      const kept = mergeDoubled(coin, 'funding', hourly, (a, b) => a.rate === b.rate)
      return {
        coin,
        time: Float64Array.from(kept, ({ time }) => time),
        rate: Float64Array.from(kept, ({ rate }) => rate),
      }
    },

    async openInterest(signal?: AbortSignal): Promise<OpenInterest[]> {
      const answer = await request(
        'metaAndAssetCtxs',
        PLAIN_COST,
        (to, stop) => metaAndAssetCtxs({ transport: to }, {}, stop),
        signal,
      )
      const time = now()
      return Array.from(readOpenInterest(answer), ([coin, openInterest]) => ({ coin, time, openInterest }))
    },

    async clock(signal?: AbortSignal): Promise<number> {
      return readClock(
        await request('exchangeStatus', LIGHT_COST, (to, stop) => exchangeStatus({ transport: to }, stop), signal),
      )
    },

    takeNotices: notices.take,
    close: async () => {},
  }
}
