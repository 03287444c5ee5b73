import { HOUR, lowerBound } from '#data/bars.ts'
import type { ExchangeOptions } from '../options/paper.ts'
import type { Contract, Listing } from '../venue/venue.ts'
import { type Depth, depthAt } from './depth.ts'
import { type HourPath, hourPath, LEGS } from './path.ts'

/** One coin in the hour that is lived through. */
export interface Market {
  readonly contract: Contract
  readonly path: HourPath
  /** Coins traded in the hour. */
  readonly volume: number
  readonly close: number
  /** Settled at the end of the hour, fraction; `NaN` where unknown. */
  readonly fundingRate: number
  /** Calibrated on what was known before the hour, when first asked for; undefined where that is too little. */
  readonly depth: () => Depth | undefined
  /** Coins of this account's orders: taken in the hour, and made on each leg. */
  taken: number
  readonly made: Float64Array
}

/** The coins of one hour, looked up when they are asked for. */
export interface HourMarkets {
  /** The hour is `[from, time)`. */
  readonly from: number
  readonly time: number
  readonly listings: ReadonlyMap<string, Listing>
  /** Undefined where the hour has no bar of the coin: an empty book, and no price. */
  of(coin: string): Market | undefined
}

export function openHour(time: number, listings: ReadonlyMap<string, Listing>, options: ExchangeOptions): HourMarkets {
  const from = time - HOUR
  const markets = new Map<string, Market | undefined>()
  return {
    from,
    time,
    listings,
    of(coin) {
      if (!markets.has(coin)) markets.set(coin, marketOf(listings.get(coin), from, options))
      return markets.get(coin)
    },
  }
}

function marketOf(listing: Listing | undefined, from: number, options: ExchangeOptions): Market | undefined {
  if (listing === undefined) return undefined
  const { bars, contract } = listing
  const row = lowerBound(bars.openTime, from)
  if (bars.openTime[row] !== from) return undefined
  let depth: { readonly known: Depth | undefined } | undefined
  return {
    contract,
    path: hourPath(bars, row),
    volume: bars.volume[row],
    close: bars.close[row],
    fundingRate: bars.funding[row],
    depth: () => {
      depth ??= { known: depthAt(bars, from, options) }
      return depth.known
    },
    taken: 0,
    made: new Float64Array(LEGS),
  }
}
