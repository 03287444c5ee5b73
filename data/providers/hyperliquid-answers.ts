import { z } from 'zod'
import { floorToHour, HOUR, LATEST_DATE } from '../bars.ts'
import { VenueError } from '../errors.ts'
import { HOURLY_CAP } from '../funding-rate.ts'
import type { Instrument } from '../provider.ts'
import type { Trade } from '../trades.ts'
import { hourText } from './series.ts'

/**
 * The boundary to Hyperliquid: the client library checks no answer, so all of them are checked here
 * (shapes: https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint).
 * Every function throws `VenueError` naming coin, field and value of the first thing that is wrong.
 */

/** A number as the venue writes it: text, in plain decimals. */
const decimal = z.string().regex(/^-?\d+(\.\d+)?$/, 'must be a decimal number in a string')
const positive = decimal.refine((text) => Number(text) > 0, 'must be above zero')
const notNegative = decimal.refine((text) => Number(text) >= 0, 'must be zero or more')
/** UTC milliseconds that a date can hold. */
const time = z.number().int().positive().max(LATEST_DATE)

const Meta = z.object({
  universe: z.array(
    z.object({
      name: z.string().min(1),
      szDecimals: z.number().int().min(0),
      maxLeverage: z.number().int().positive(),
      isDelisted: z.boolean().optional(),
      onlyIsolated: z.boolean().optional(),
      marginMode: z.string().optional(),
    }),
  ),
})

const MetaAndContexts = z.tuple([Meta, z.array(z.object({ openInterest: notNegative }))])

const CandlePage = z.array(
  z.object({
    t: time,
    T: time,
    s: z.string(),
    i: z.string(),
    o: positive,
    h: positive,
    l: positive,
    c: positive,
    v: notNegative,
    n: z.number().int().min(0),
  }),
)

const FundingPage = z.array(z.object({ coin: z.string(), fundingRate: decimal, premium: decimal, time }))

const TradeFrame = z.array(
  z.object({
    coin: z.string().min(1),
    side: z.enum(['A', 'B']),
    px: positive,
    sz: positive,
    time,
    tid: z.number().int().min(0),
  }),
)

/** One checked candle, numbers as numbers. */
export interface CandleRow {
  readonly time: number
  /** Last millisecond of the candle. */
  readonly end: number
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
}

/** One checked settlement; `time` is as the venue stamped it, some milliseconds past the hour. */
export interface FundingRow {
  readonly time: number
  readonly rate: number
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 120)
}

function wrong(what: string, coin: string | undefined, field: string, value: unknown, rule: string): VenueError {
  const place = coin === undefined ? what : `${what} ${coin}`
  return new VenueError(`${place}: ${field} ${rule}, got ${shown(value)}`, {
    ...(coin !== undefined && { coin }),
    field,
    value,
  })
}

/** The value in `answer` at the path of a schema issue. */
function valueAt(answer: unknown, path: readonly PropertyKey[]): unknown {
  let value = answer
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key]
  return value
}

function check<T>(schema: z.ZodType<T>, answer: unknown, what: string, coin?: string): T {
  const result = schema.safeParse(answer)
  if (result.success) return result.data
  const [{ path, message }] = result.error.issues
  const field = path.length === 0 ? 'the answer' : path.map(String).join('.')
  throw wrong(what, coin, field, valueAt(answer, path), `is wrong (${message})`)
}

function instruments(universe: z.infer<typeof Meta>['universe'], what: string): Instrument[] {
  const seen = new Set<string>()
  return universe.map(({ name, szDecimals, maxLeverage, isDelisted, onlyIsolated, marginMode }) => {
    if (seen.has(name)) throw wrong(what, name, 'universe.name', name, 'must be listed once')
    seen.add(name)
    // `onlyIsolated` is the older word; a `noCross` coin lets margin be taken out, which is not made use of.
    const strictlyIsolated = onlyIsolated === true || marginMode === 'strictIsolated' || marginMode === 'noCross'
    const instrument = { coin: name, live: isDelisted !== true, sizeDecimals: szDecimals, maxLeverage }
    return strictlyIsolated ? { ...instrument, strictlyIsolated } : instrument
  })
}

/** The perpetuals of a `meta` answer, in the order of the venue (which is their asset number). */
export function readUniverse(answer: unknown): Instrument[] {
  return instruments(check(Meta, answer, 'meta').universe, 'meta')
}

const Status = z.object({ time: z.int().positive() })

/** The venue's clock in an `exchangeStatus` answer, UTC milliseconds. */
export function readClock(answer: unknown): number {
  return check(Status, answer, 'exchangeStatus').time
}

/** Open interest by coin of a `metaAndAssetCtxs` answer; delisted coins are left out. */
export function readOpenInterest(answer: unknown): Map<string, number> {
  const [{ universe }, contexts] = check(MetaAndContexts, answer, 'metaAndAssetCtxs')
  if (universe.length !== contexts.length) {
    throw wrong('metaAndAssetCtxs', undefined, 'contexts', contexts.length, `must be ${universe.length}, one per coin`)
  }
  const byCoin = new Map<string, number>()
  instruments(universe, 'metaAndAssetCtxs').forEach(({ coin, live }, index) => {
    if (live) byCoin.set(coin, Number(contexts[index].openInterest))
  })
  return byCoin
}

/** The rows of a `candleSnapshot` answer for hourly candles: ascending, consistent in themselves, maybe repeated. */
export function readCandles(answer: unknown, coin: string): CandleRow[] {
  const what = 'candleSnapshot'
  let before = 0
  return check(CandlePage, answer, what, coin).map((row, index) => {
    const fail = (field: string, value: unknown, rule: string) =>
      wrong(what, coin, `row ${index} (${hourText(row.t)}) ${field}`, value, rule)
    if (row.s !== coin) throw fail('s', row.s, `must be ${coin}`)
    if (row.i !== '1h') throw fail('i', row.i, 'must be 1h')
    if (row.t % HOUR !== 0) throw fail('t', row.t, 'must be a full hour')
    if (row.T !== row.t + HOUR - 1) throw fail('T', row.T, 'must be the last millisecond of the hour')
    if (row.t < before) throw fail('t', row.t, 'must not lie before the row above')
    before = row.t
    const [open, high, low, close] = [Number(row.o), Number(row.h), Number(row.l), Number(row.c)]
    if (high < Math.max(open, close, low)) throw fail('h', row.h, 'must not be below open, low or close')
    if (low > Math.min(open, close)) throw fail('l', row.l, 'must not be above open or close')
    return { time: row.t, end: row.T, open, high, low, close, volume: Number(row.v) }
  })
}

/** The rows of a `fundingHistory` answer: ascending, maybe repeated. */
export function readFunding(answer: unknown, coin: string): FundingRow[] {
  const what = 'fundingHistory'
  let before = 0
  return check(FundingPage, answer, what, coin).map((row, index) => {
    const fail = (field: string, value: unknown, rule: string) =>
      wrong(what, coin, `row ${index} (${hourText(floorToHour(row.time))}) ${field}`, value, rule)
    if (row.coin !== coin) throw fail('coin', row.coin, `must be ${coin}`)
    if (row.time < before) throw fail('time', row.time, 'must not lie before the row above')
    before = row.time
    const rate = Number(row.fundingRate)
    if (Math.abs(rate) > HOURLY_CAP) throw fail('fundingRate', row.fundingRate, `must be within +-${HOURLY_CAP}`)
    return { time: row.time, rate }
  })
}

/** The trades of a `trades` frame, in the order of the venue; `side` is the aggressor: B bought, A sold. */
export function readTrades(data: unknown): Trade[] {
  return check(TradeFrame, data, 'trades').map(({ coin, side, px, sz, time: at, tid }) => ({
    coin,
    side: side === 'B' ? 'buy' : 'sell',
    price: Number(px),
    size: Number(sz),
    time: at,
    id: tid,
  }))
}
