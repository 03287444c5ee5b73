import { type Bars, HOUR, lowerBound } from '#data/bars.ts'
import type { FlowSeries } from '#data/trades.ts'
import { normalCdf } from '#statistics/distributions.ts'
import { firstRow, hourlyReturn, LEAST_SHARE_KNOWN, returnVolatility } from './rolling.ts'

/** Signed and total volume in coins on an hourly grid `[hours]`, oldest first; `NaN` where an hour is not known. */
export interface SignedVolume {
  readonly signed: Float64Array
  readonly total: Float64Array
}

/** Room for `hours` hours. */
export function allocateSignedVolume(hours: number): SignedVolume {
  return { signed: new Float64Array(hours), total: new Float64Array(hours) }
}

/** Fills `grid` with the hours up to `asOf` from trades: takers' purchases minus their sales. */
export function signFromTrades(flow: FlowSeries, asOf: number, grid: SignedVolume): void {
  const { signed, total } = grid
  signed.fill(Number.NaN)
  total.fill(Number.NaN)
  const first = asOf - signed.length * HOUR
  for (let i = lowerBound(flow.openTime, first); i < flow.openTime.length && flow.openTime[i] < asOf; i++) {
    const hour = (flow.openTime[i] - first) / HOUR
    signed[hour] = flow.bought[i] - flow.sold[i]
    total[hour] = flow.bought[i] + flow.sold[i]
  }
}

/** Fills `grid` with the hours up to `asOf` from bars. */
export type BarSigner = (bars: Bars, asOf: number, grid: SignedVolume) => void

/**
 * Signs the volume of bars by bulk volume classification: of an hour's volume the share Z(r / sigma) was bought, where
 * r is the return of the hour, sigma its standard deviation and Z the normal distribution, so that the signed share is
 * 2 Z(r / sigma) - 1 (Easley, Lopez de Prado and O'Hara, Flow Toxicity and Liquidity in a High-frequency World, Review
 * of Financial Studies 25, 2012, equation 2; with log returns for price changes, so that coins compare).
 *
 * sigma is the root mean square of the `sigmaHours` returns *before* the hour: an hour must not shrink its own surprise.
 * An hour without its return or without enough returns before it is not known.
 */
export function createBarSigner(sigmaHours: number): BarSigner {
  const shareOf = rememberedShares(sigmaHours)
  return (bars, asOf, { signed, total }) => {
    signed.fill(Number.NaN)
    total.fill(Number.NaN)
    const first = asOf - signed.length * HOUR
    const start = lowerBound(bars.openTime, first)
    const end = lowerBound(bars.openTime, asOf)
    const shares = shareOf(bars, start, end)
    for (let row = start; row < end; row++) {
      const share = shares[row]
      if (Number.isNaN(share)) continue
      const hour = (bars.openTime[row] - first) / HOUR
      signed[hour] = share * bars.volume[row]
      total[hour] = bars.volume[row]
    }
  }
}

/** Signed share of the volume at `row`, in [-1, 1]. */
function signedShare(bars: Bars, row: number, sigmaHours: number): number {
  const start = firstRow(bars, bars.openTime[row], sigmaHours)
  const sigma = returnVolatility(bars, start, row, LEAST_SHARE_KNOWN * sigmaHours)
  // Where nothing moved before, a move has no measure.
  return sigma > 0 ? 2 * normalCdf(hourlyReturn(bars, row) / sigma) - 1 : Number.NaN
}

/** What no share is: the row was not asked for yet. */
const NOT_ASKED = Number.POSITIVE_INFINITY
/** Room of the memory in rows of the view that it was too small for. */
const GROWTH = 1.5

/**
 * Shares by row, each computed once per history. They follow from the closes, the opening times and the row where a
 * view begins, so the memory hangs on these and goes with them; it changes the speed, not the answer.
 */
function rememberedShares(sigmaHours: number): (bars: Bars, start: number, end: number) => Float64Array {
  interface Remembered {
    readonly times: ArrayBufferLike
    readonly timesOffset: number
    shares: Float64Array
  }
  const memory = new WeakMap<ArrayBufferLike, Map<number, Remembered>>()
  return (bars, start, end) => {
    const { close, openTime } = bars
    let views = memory.get(close.buffer)
    if (views === undefined) {
      views = new Map()
      memory.set(close.buffer, views)
    }
    let view = views.get(close.byteOffset)
    if (view?.times !== openTime.buffer || view.timesOffset !== openTime.byteOffset) {
      view = { times: openTime.buffer, timesOffset: openTime.byteOffset, shares: new Float64Array() }
      views.set(close.byteOffset, view)
    }
    if (view.shares.length < end) {
      // The views of a history that is played grow by a row each hour: room for many more than that.
      const grown = new Float64Array(Math.ceil(GROWTH * close.length)).fill(NOT_ASKED)
      grown.set(view.shares)
      view.shares = grown
    }
    const { shares } = view
    for (let row = start; row < end; row++) {
      if (shares[row] === NOT_ASKED) shares[row] = signedShare(bars, row, sigmaHours)
    }
    return shares
  }
}
