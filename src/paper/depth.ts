import { type Bars, HOUR, lowerBound } from '#data/bars.ts'
import type { ExchangeOptions } from '../options/paper.ts'

/** How deep a market is taken to be. Fractions are of the mid price. */
export interface Depth {
  /** From the mid to the best bid or ask. */
  readonly halfSpread: number
  /** Y x sigma: the price has moved by this x root(q / dailyVolume) when q coins were taken. */
  readonly impact: number
  /** Coins traded in an ordinary day. */
  readonly dailyVolume: number
}

const HOURS_A_DAY = 24
/** Days that an ordinary day's volatility is the median of, and those that impact is scaled by. */
const MEDIAN_DAYS = 30
const WEEK_DAYS = 7
/** Fewest hourly returns that say what a day or a week was like. */
const LEAST_OF_DAY = 18
const LEAST_OF_WEEK = 24
/** The spread of a market without a move does not vanish, and that of a storm does not grow for ever. */
const NARROWEST = 0.5
const WIDEST = 5
/** A price more than 80 % away is no price (the venue's band): the deepest that a walk can reach. */
const DEEPEST = 0.8

/**
 * Depth calibrated on what was known at `asOf`; later bars are not looked at. There is no history of order books, so
 * the book is the one that square-root impact implies:
 *
 * - half-spread: `options.halfSpread` x volatility of the last day / median of the last 30 days, between half and five
 *   times (spreads follow volatility: Wyart, Bouchaud, Kockelkoren, Potters and Vettorazzo 2008, Relation between
 *   bid-ask spread, impact and volatility in order-driven markets). A last day with too few hours counts as the week.
 * - impact: Y x sigma x root(q / V), sigma the volatility of a day and V the volume of a day, both over the last week
 *   (Almgren, Thum, Hauptmann and Li 2005, Direct estimation of equity market impact; Toth et al. 2011, Anomalous price
 *   impact and the critical nature of liquidity in financial markets).
 *
 * @returns undefined where fewer than 24 hourly returns of the last week are known or nothing was traded in it.
 */
export function depthAt(bars: Bars, asOf: number, options: ExchangeOptions): Depth | undefined {
  const { openTime, close, volume } = bars
  const squares = new Float64Array(MEDIAN_DAYS)
  const counts = new Float64Array(MEDIAN_DAYS)
  let traded = 0
  let hours = 0
  const end = lowerBound(openTime, asOf - HOUR + 1)
  for (let row = lowerBound(openTime, asOf - MEDIAN_DAYS * HOURS_A_DAY * HOUR); row < end; row++) {
    const day = Math.floor((asOf - HOUR - openTime[row]) / (HOURS_A_DAY * HOUR))
    if (day < WEEK_DAYS) {
      traded += volume[row]
      hours++
    }
    if (row === 0 || openTime[row] - openTime[row - 1] !== HOUR) continue
    const step = close[row] / close[row - 1] - 1
    squares[day] += step * step
    counts[day]++
  }
  let weekSquares = 0
  let weekCount = 0
  for (let day = 0; day < WEEK_DAYS; day++) {
    weekSquares += squares[day]
    weekCount += counts[day]
  }
  if (weekCount < LEAST_OF_WEEK || traded === 0) return undefined
  const week = Math.sqrt((weekSquares / weekCount) * HOURS_A_DAY)
  const days = new Float64Array(MEDIAN_DAYS)
  let known = 0
  for (let day = 0; day < MEDIAN_DAYS; day++) {
    if (counts[day] >= LEAST_OF_DAY) days[known++] = Math.sqrt((squares[day] / counts[day]) * HOURS_A_DAY)
  }
  const recent = counts[0] >= LEAST_OF_DAY ? days[0] : week
  return {
    halfSpread: options.halfSpread * spreadScale(recent, known === 0 ? week : median(days.subarray(0, known))),
    impact: options.impact * week,
    dailyVolume: (traded / hours) * HOURS_A_DAY,
  }
}

function spreadScale(recent: number, ordinary: number): number {
  // A market that never moved is as it always is.
  if (recent === ordinary) return 1
  return Math.max(NARROWEST, Math.min(WIDEST, recent / ordinary))
}

/** Sorts the values. */
function median(values: Float64Array): number {
  values.sort()
  const middle = values.length >>> 1
  return values.length % 2 === 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
}

/**
 * Distance of the average price from the mid when `coins` are taken at once, fraction of the mid: half-spread plus two
 * thirds of the impact, the mean of a root over [0, coins].
 */
export function averageDistance({ halfSpread, impact, dailyVolume }: Depth, coins: number): number {
  return Math.min(DEEPEST, halfSpread + (2 / 3) * impact * Math.sqrt(coins / dailyVolume))
}

/** Coins that can be taken before the price is further than `distance` from the mid; Infinity where nothing moves it. */
export function coinsWithin({ halfSpread, impact, dailyVolume }: Depth, distance: number): number {
  if (distance < halfSpread) return 0
  if (impact === 0) return Number.POSITIVE_INFINITY
  return dailyVolume * ((distance - halfSpread) / impact) ** 2
}

/**
 * What opening and closing a position at the market costs, fraction of its notional: twice the taker fee, the half-spread
 * and the average impact. Causal at `asOf`.
 *
 * @param dollars notional, without sign.
 * @param takerRate fraction of notional.
 * @returns `NaN` where the depth is not known (see {@link depthAt}): a cost nobody knows pays for nothing.
 */
export function roundTripCost(
  dollars: number,
  bars: Bars,
  asOf: number,
  options: ExchangeOptions,
  takerRate: number,
): number {
  const depth = depthAt(bars, asOf, options)
  if (depth === undefined) return Number.NaN
  const price = bars.close[lowerBound(bars.openTime, asOf - HOUR + 1) - 1]
  return 2 * (takerRate + averageDistance(depth, Math.abs(dollars) / price))
}
