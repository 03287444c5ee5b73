import { type Bars, HOUR } from '#data/bars.ts'
import { rollingZ } from '../kalman.ts'
import type { CrossSectionOptions } from '../options/market-scanners.ts'
import { closedRow, firstRow, LEAST_SHARE_KNOWN, percentileRanks, returnVolatility } from './rolling.ts'
import type { Direction } from './scanner.ts'

/** A price this many hours old at the start of the momentum is still the price: an hour without trades has no bar. */
const LONGEST_SILENCE_HOURS = 12

/** What the ranking looks at. */
interface Measures {
  /** Log return over `momentumHours`. */
  readonly momentum: number
  /** Root mean square of hourly log returns. */
  readonly volatility: number
  /** The last funding against mean and deviation of the hours before. */
  readonly fundingZ: number
}

/** Where a coin stands among all coins at one time. */
export interface Standing extends Measures {
  /** Side of the coin's own momentum. */
  readonly side: Direction
  /** Percentile of the momentum on that side: of -momentum for a coin that falls. */
  readonly momentumRank: number
  /** Percentile of 1 / volatility. */
  readonly calmRank: number
  /** Percentile of |funding z|. */
  readonly fundingRank: number
  /** Weighted sum of the ranks, in [0, 1]. */
  readonly score: number
  /** 1 for the best score; equal scores go by name. */
  readonly place: number
  /** Coins ranked. */
  readonly of: number
}

/** Standing by coin, or why the coin is not ranked. */
export type Ranking = ReadonlyMap<string, Standing | string>

/**
 * Ranks the universe at `asOf` by weights.momentum x rank(momentum) + weights.volatility x rank(1 / volatility) +
 * weights.funding x rank(|funding z|); ranks are percentiles in [0, 1], equal values share their mean rank.
 *
 * The book has two sides and a coin's side is the sign of its own momentum, so rank(momentum) is read as the rank *on
 * that side*: of momentum for a coin that rises, of -momentum (one minus the rank) for one that falls. In a market
 * that rises as a whole a coin that lags has a low rank and not a good one as a short: it does rise.
 *
 * A coin of which one measure is not known is not ranked, and the others are ranked without it.
 */
export function rankUniverse(universe: readonly Bars[], asOf: number, options: CrossSectionOptions): Ranking {
  const { weights, minCoins } = options
  const ranking = new Map<string, Standing | string>()
  const coins: string[] = []
  const measures: Measures[] = []
  for (const bars of universe) {
    const measured = measure(bars, asOf, options)
    if (typeof measured === 'string') {
      ranking.set(bars.coin, measured)
      continue
    }
    coins.push(bars.coin)
    measures.push(measured)
  }
  const of = coins.length
  if (of < Math.max(2, minCoins)) {
    for (const coin of coins) ranking.set(coin, `only ${of} coins can be ranked, at least ${Math.max(2, minCoins)}`)
    return ranking
  }
  const momentumRanks = percentileRanks(Float64Array.from(measures, ({ momentum }) => momentum))
  const calmRanks = percentileRanks(Float64Array.from(measures, ({ volatility }) => 1 / volatility))
  const fundingRanks = percentileRanks(Float64Array.from(measures, ({ fundingZ }) => Math.abs(fundingZ)))
  const standings = measures.map((measured, i) => {
    const side = Math.sign(measured.momentum) as Direction
    const momentumRank = side < 0 ? 1 - momentumRanks[i] : momentumRanks[i]
    const [calmRank, fundingRank] = [calmRanks[i], fundingRanks[i]]
    const score = weights.momentum * momentumRank + weights.volatility * calmRank + weights.funding * fundingRank
    return { coin: coins[i], ...measured, side, momentumRank, calmRank, fundingRank, score }
  })
  standings.sort((a, b) => b.score - a.score || (a.coin < b.coin ? -1 : 1))
  for (const [i, { coin, ...standing }] of standings.entries()) ranking.set(coin, { ...standing, place: i + 1, of })
  return ranking
}

/** The measures of one coin, or which of them is not known. */
function measure(bars: Bars, asOf: number, options: CrossSectionOptions): Measures | string {
  const { momentumHours, volatilityHours, fundingHours } = options
  const row = closedRow(bars, asOf)
  if (row < 0) return 'no bar was closed at this hour'
  const before = firstRow(bars, asOf, momentumHours) - 1
  if (before < 0) return `momentum: less than ${momentumHours} h of history`
  const silence = (asOf - bars.openTime[before]) / HOUR - 1 - momentumHours
  if (silence > LONGEST_SILENCE_HOURS) return `momentum: no price for ${silence} h before ${momentumHours} h ago`
  const momentum = Math.log(bars.close[row] / bars.close[before])

  const first = firstRow(bars, asOf, volatilityHours)
  const volatility = returnVolatility(bars, first, row + 1, LEAST_SHARE_KNOWN * volatilityHours)
  if (Number.isNaN(volatility)) return `volatility: too few of the last ${volatilityHours} h are known`
  if (volatility === 0) return `volatility: the price did not move in ${volatilityHours} h`

  if (Number.isNaN(bars.funding[row])) return 'no funding settled at this hour'
  const funding = bars.funding.subarray(firstRow(bars, asOf, fundingHours + 1), row + 1)
  const fundingZ = rollingZ(funding, LEAST_SHARE_KNOWN * fundingHours).z
  if (Number.isNaN(fundingZ)) return `funding z: too few of ${fundingHours} h are known, or funding did not vary`
  return { momentum, volatility, fundingZ }
}
