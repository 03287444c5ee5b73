import { z } from 'zod'
import { HOUR, lowerBound } from '#data/bars.ts'
import { premiumOf } from '#data/funding-rate.ts'
import { createRandom } from '#data/random.ts'
import type { ExchangeSeries } from './series.ts'

/** Candles per coin that the exchange keeps. */
const CANDLES_KEPT = 5000
const FUNDING_PAGE = 500
/** Settlements are stamped up to this many milliseconds past the hour. */
const LATEST_STAMP = 118

const coin = z.string()
const time = z.number().int().nonnegative()
const dex = z.string().optional()

/** The requests that are understood; anything else is a 422. */
const Request = z.discriminatedUnion('type', [
  z.object({ type: z.literal('meta'), dex }),
  z.object({ type: z.literal('metaAndAssetCtxs'), dex }),
  z.object({
    type: z.literal('candleSnapshot'),
    req: z.object({ coin, interval: z.literal('1h'), startTime: time, endTime: time.optional() }),
  }),
  z.object({ type: z.literal('fundingHistory'), coin, startTime: time, endTime: time.nullish() }),
  z.object({ type: z.literal('predictedFundings') }),
  z.object({ type: z.literal('allMids'), dex }),
  z.object({ type: z.literal('exchangeStatus') }),
  z.object({ type: z.literal('spotMeta') }),
  z.object({ type: z.literal('outcomeMeta') }),
])
export type InfoRequest = z.infer<typeof Request>

/** An answer, what it weighs, and its status. */
export interface InfoAnswer {
  readonly status: number
  readonly body: unknown
  readonly weight: number
}

/** What the exchange's info endpoint knows and what it hides. */
export interface InfoState {
  readonly series: readonly ExchangeSeries[]
  readonly now: () => number
  /** Candles that are not (yet) published, as `COIN/openTime`. */
  readonly hidden: ReadonlySet<string>
  readonly seed: number
}

/** Parses a request; `undefined` when it is none. */
export function readRequest(body: unknown): InfoRequest | undefined {
  const parsed = Request.safeParse(body)
  return parsed.success ? parsed.data : undefined
}

/** A number as the venue writes it: plain decimals, at least one behind the point. */
export function decimalText(value: number): string {
  const text = value.toFixed(10).replace(/0+$/, '')
  return text.endsWith('.') ? `${text}0` : text
}

/** Index of the last value at or before `moment`; -1 if there is none. */
function lastAt(times: Float64Array, moment: number): number {
  return lowerBound(times, moment + 1) - 1
}

/** Answers info requests from series, by what is known of the real endpoint; `now` decides what has happened yet. */
export function createInfo({ series, now, hidden, seed }: InfoState): (request: InfoRequest) => InfoAnswer {
  const byCoin = new Map(series.map((one) => [one.coin, one]))
  const stamps = new Map(
    series.map(({ coin: name, funding }) => {
      const random = createRandom(seed).fork(name)
      return [name, funding.time.map((hour) => hour + 1 + random.integer(LATEST_STAMP))]
    }),
  )
  const unknown: InfoAnswer = { status: 500, body: null, weight: 20 }
  const plain = (body: unknown, weight = 20): InfoAnswer => ({ status: 200, body, weight })

  const meta = () => ({
    universe: series.map(({ coin: name, delisted, sizeDecimals = 2, maxLeverage = 10 }) => ({
      szDecimals: sizeDecimals,
      name,
      maxLeverage,
      marginTableId: maxLeverage,
      ...(delisted && { isDelisted: true }),
    })),
    marginTables: [],
    collateralToken: 0,
  })

  const context = ({ coin: name, candles, funding, openInterest = 0, delisted }: ExchangeSeries) => {
    const last = lastAt(candles.openTime, now())
    const price = last < 0 ? undefined : decimalText(candles.close[last])
    const settled = lastAt(stamps.get(name) as Float64Array, now())
    const rate = settled < 0 ? 0 : funding.rate[settled]
    const quoted = price !== undefined && !delisted
    return {
      funding: decimalText(delisted ? 0 : rate),
      openInterest: decimalText(delisted ? 0 : openInterest),
      prevDayPx: price ?? '0.0',
      dayNtlVlm: '0.0',
      premium: quoted ? decimalText(premiumOf(rate)) : null,
      oraclePx: price ?? '0.0',
      markPx: price ?? '0.0',
      midPx: quoted ? price : null,
      impactPxs: quoted ? [price, price] : null,
      dayBaseVlm: '0.0',
    }
  }

  const candles = ({ req }: Extract<InfoRequest, { type: 'candleSnapshot' }>): InfoAnswer => {
    const known = byCoin.get(req.coin)
    if (known === undefined) return unknown
    const { openTime, open, high, low, close, volume } = known.candles
    const endTime = req.endTime ?? now()
    const published: number[] = []
    for (let i = lastAt(openTime, now()); i >= 0 && published.length < CANDLES_KEPT; i--) {
      if (!hidden.has(`${req.coin}/${openTime[i]}`)) published.push(i)
    }
    const rows = published.reverse().filter((i) => openTime[i] + HOUR - 1 >= req.startTime && openTime[i] <= endTime)
    const body = rows.map((i) => {
      // The candle still forming has moved half of its way.
      const forming = openTime[i] + HOUR > now()
      const end = forming ? (open[i] + close[i]) / 2 : close[i]
      return {
        t: openTime[i],
        T: openTime[i] + HOUR - 1,
        s: req.coin,
        i: '1h',
        o: decimalText(open[i]),
        c: decimalText(end),
        h: decimalText(forming ? Math.max(open[i], end) : high[i]),
        l: decimalText(forming ? Math.min(open[i], end) : low[i]),
        v: decimalText(forming ? volume[i] / 2 : volume[i]),
        n: volume[i] > 0 ? 100 : 0,
      }
    })
    return plain(body, 20 + Math.ceil(rows.length / 60))
  }

  const funding = (request: Extract<InfoRequest, { type: 'fundingHistory' }>): InfoAnswer => {
    const known = byCoin.get(request.coin)
    if (known === undefined) return unknown
    const times = stamps.get(request.coin) as Float64Array
    const end = Math.min(request.endTime ?? now(), now())
    const body: unknown[] = []
    for (let i = lowerBound(times, request.startTime); i < times.length && times[i] <= end; i++) {
      if (body.length === FUNDING_PAGE) break
      const rate = known.funding.rate[i]
      const fundingRate = decimalText(rate)
      body.push({ coin: request.coin, fundingRate, premium: decimalText(premiumOf(rate)), time: times[i] })
    }
    return plain(body, 20 + Math.ceil(body.length / 20))
  }

  return (request) => {
    switch (request.type) {
      case 'meta':
        return request.dex ? unknown : plain(meta())
      case 'metaAndAssetCtxs':
        return request.dex ? unknown : plain([meta(), series.map(context)])
      case 'candleSnapshot':
        return candles(request)
      case 'fundingHistory':
        return funding(request)
      case 'predictedFundings': {
        const nextFundingTime = Math.ceil((now() + 1) / HOUR) * HOUR
        const entry = (one: ExchangeSeries) => ({
          fundingRate: context(one).funding,
          nextFundingTime,
          fundingIntervalHours: 1,
        })
        return plain(series.filter(({ delisted }) => !delisted).map((one) => [one.coin, [['HlPerp', entry(one)]]]))
      }
      case 'allMids':
        return plain(Object.fromEntries(series.map((one) => [one.coin, context(one).midPx ?? '0.0'])), 2)
      case 'exchangeStatus':
        return plain({ time: now(), specialStatuses: null }, 2)
      case 'spotMeta':
        return plain({ tokens: [], universe: [] })
      case 'outcomeMeta':
        return plain({ outcomes: [], questions: [] })
    }
  }
}
