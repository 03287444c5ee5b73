import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { HOUR, type TimeRange } from '../bars.ts'
import { InputError } from '../errors.ts'
import { HOURLY_CAP } from '../funding-rate.ts'
import { createNoticeBook } from '../notices.ts'
import type { Candles, DataNotice, FundingSeries, Provider } from '../provider.ts'
import { type CsvTable, readCsvTable } from './csv-table.ts'
import { candlesWithin, checkRange, fundingWithin, unknownCoin } from './series.ts'

/** @see createCsvProvider */
export interface CsvOptions {
  /** Holds `candles/` and, if there is funding, `funding/`; or a folder `hyperliquid/` that does. */
  readonly directory: string
}

/** A parsed file and what had to be said about it. */
interface Parsed<T> {
  readonly series: T
  readonly notices: readonly DataNotice[]
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** The folder that holds `candles/`. */
function findRoot(directory: string): string {
  const asked = resolve(directory)
  for (const root of [asked, join(asked, 'hyperliquid')]) if (isDirectory(join(root, 'candles'))) return root
  const problem = isDirectory(asked) ? 'has no folder candles/, nor hyperliquid/candles/' : 'is no directory'
  throw new InputError(`${asked} ${problem}; expected candles/<COIN>.csv and funding/<COIN>.csv below it`, {
    field: 'directory',
    value: directory,
  })
}

function tableNotices(coin: string, what: string, table: CsvTable): DataNotice[] {
  const notices: DataNotice[] = []
  const add = (kind: 'unordered' | 'duplicate', count: number, done: string) => {
    if (count > 0) notices.push({ coin, kind, message: `${what}: ${count} ${done} (${table.file})` })
  }
  add('unordered', table.unordered, 'rows out of order were sorted')
  add('duplicate', table.repeated, 'repeated rows dropped')
  return notices
}

/** @throws {InputError} naming file, line, column and value of the first price or volume that cannot be. */
function checkCandles(table: CsvTable, candles: Candles): void {
  const { open, high, low, close, volume } = candles
  for (let i = 0; i < table.rows; i++) {
    const refuse = (column: string, value: number, rule: string): never => {
      const { file } = table
      const line = table.lines[i]
      throw new InputError(`${file} line ${line}, column ${column}: ${rule}, got ${value}`, {
        file,
        line,
        column,
        value,
        coin: candles.coin,
      })
    }
    if (open[i] <= 0) refuse('open', open[i], 'must be above zero')
    if (high[i] <= 0) refuse('high', high[i], 'must be above zero')
    if (low[i] <= 0) refuse('low', low[i], 'must be above zero')
    if (close[i] <= 0) refuse('close', close[i], 'must be above zero')
    if (high[i] < low[i]) refuse('high', high[i], `must not be below low (${low[i]})`)
    if (high[i] < open[i] || high[i] < close[i]) refuse('high', high[i], 'must not be below open or close')
    if (low[i] > open[i] || low[i] > close[i]) refuse('low', low[i], 'must not be above open or close')
    if (volume[i] < 0) refuse('volume', volume[i], 'must be zero or more')
  }
}

function readCandles(coin: string, file: string): Parsed<Candles> {
  const table = readCsvTable(file, ['open', 'high', 'low', 'close', 'volume'], ['open_interest'])
  const column = (name: string) => table.columns.get(name) as Float64Array
  const openInterest = table.columns.get('open_interest')
  const candles: Candles = {
    coin,
    openTime: column('ts_ms'),
    open: column('open'),
    high: column('high'),
    low: column('low'),
    close: column('close'),
    volume: column('volume'),
    ...(openInterest && { openInterest }),
  }
  checkCandles(table, candles)
  return { series: candles, notices: tableNotices(coin, 'candles', table) }
}

/** Most frequent distance between settlements, hours; `NaN` with fewer than two. */
function usualSpacing(time: Float64Array): number {
  if (time.length < 2) return Number.NaN
  const distances = Float64Array.from(time.subarray(1), (moment, i) => (moment - time[i]) / HOUR).sort()
  return distances[distances.length >>> 1]
}

/** Settlements as the exchange stamps them: 1 to 118 ms past the hour were seen; a minute is room enough. */
const SETTLEMENT_LATENESS = 60_000

function readFunding(coin: string, file: string): Parsed<FundingSeries> {
  const none = { coin, time: new Float64Array(0), rate: new Float64Array(0) }
  if (!existsSync(file)) {
    return { series: none, notices: [{ coin, kind: 'missing-funding', message: `${file} does not exist` }] }
  }
  const table = readCsvTable(file, ['funding_rate'], [], SETTLEMENT_LATENESS)
  const time = table.columns.get('ts_ms') as Float64Array
  const rate = table.columns.get('funding_rate') as Float64Array
  const spacing = usualSpacing(time)
  if (spacing > 1) {
    // A rate per 8 hours taken for one per hour would be eight times too large.
    const message = `${file} is settled every ${spacing} hours, so its rates are not per hour; it is left out`
    return { series: none, notices: [{ coin, kind: 'missing-funding', message }] }
  }
  const beyond = rate.findIndex((value) => Math.abs(value) > HOURLY_CAP)
  if (beyond >= 0) {
    const line = table.lines[beyond]
    const value = rate[beyond]
    const rule = `must be a fraction per hour within +-${HOURLY_CAP}`
    const details = { file, line, column: 'funding_rate', value, coin }
    throw new InputError(`${file} line ${line}, column funding_rate: ${rule}, got ${value}`, details)
  }
  return { series: { coin, time, rate }, notices: tableNotices(coin, 'funding', table) }
}

/**
 * Bars from CSV files: `candles/<COIN>.csv` (`ts_ms,open,high,low,close,volume`, optionally `open_interest`; `ts_ms`
 * is the opening time) and `funding/<COIN>.csv` (`ts_ms,funding_rate`; the settlement hour, a fraction per hour).
 * Each file is read once and kept.
 *
 * A coin without a funding file, or with one that is not hourly, has no funding and a `missing-funding` notice.
 *
 * @throws {InputError} at once when the directory is not of that layout; later naming file, line, column and value.
 */
export function createCsvProvider({ directory }: CsvOptions): Provider {
  const root = findRoot(directory)
  const coins = readdirSync(join(root, 'candles'))
    .filter((name) => name.endsWith('.csv'))
    .map((name) => name.slice(0, -'.csv'.length))
    .sort()
  const known = new Set(coins)
  const origin = `csv:${root}`
  const notices = createNoticeBook()
  const candleFiles = new Map<string, Parsed<Candles>>()
  const fundingFiles = new Map<string, Parsed<FundingSeries>>()

  function serve<T>(kept: Map<string, Parsed<T>>, coin: string, read: () => Parsed<T>, signal?: AbortSignal): T {
    signal?.throwIfAborted()
    if (!known.has(coin)) throw unknownCoin(coin, origin, coins)
    let parsed = kept.get(coin)
    if (parsed === undefined) {
      parsed = read()
      kept.set(coin, parsed)
    }
    for (const notice of parsed.notices) notices.add(notice)
    return parsed.series
  }

  return {
    name: 'csv',
    origin,
    remote: false,
    async universe(signal) {
      signal?.throwIfAborted()
      return coins.map((coin) => ({ coin, live: true }))
    },
    async candles(coin: string, range: TimeRange, signal?: AbortSignal) {
      checkRange(range)
      const read = () => readCandles(coin, join(root, 'candles', `${coin}.csv`))
      return candlesWithin(serve(candleFiles, coin, read, signal), range)
    },
    async funding(coin: string, range: TimeRange, signal?: AbortSignal) {
      checkRange(range)
      const read = () => readFunding(coin, join(root, 'funding', `${coin}.csv`))
      return fundingWithin(serve(fundingFiles, coin, read, signal), range)
    },
    async openInterest(signal) {
      signal?.throwIfAborted()
      return []
    },
    takeNotices: notices.take,
    close: async () => {},
  }
}
