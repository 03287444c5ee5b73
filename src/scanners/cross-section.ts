import type { Bars } from '#data/bars.ts'
import type { CrossSectionOptions } from '../options/market-scanners.ts'
import { trendEfficiency } from '../validation/efficiency.ts'
import { averageClose } from '../validation/moving-average.ts'
import { type Ranking, rankUniverse, type Standing } from './ranking.ts'
import { closedRow, firstRow, LEAST_SHARE_KNOWN } from './rolling.ts'
import type { Direction, Market, Scanner } from './scanner.ts'

/** What a coin must show of itself, beside its place; `NaN` where it is not known. */
interface Condition {
  readonly efficiency: number
  /** Close over the moving average, minus 1. */
  readonly distance: number
  /** Dollars. */
  readonly openInterest: number
}

/**
 * Follows the momentum of the best coins of the universe: those that move most on their side, calmest, with the most
 * unusual funding (`rankUniverse`).
 *
 * Direction is the sign of the coin's own momentum. A coin among the `best` is skipped, and does not make room for the
 * next, where its trend efficiency is low, its close lies on the wrong side of the moving average, or its open interest
 * is small. Efficiency or average that are not known skip as well; open interest that is not known does as
 * `unknownOpenInterest` says. A held side is backed while the momentum keeps its sign, the coin is among the
 * `keepBest`, and the close is not known to be on the wrong side of the average. The strength is the score.
 */
export function createCrossSectionScanner(options: CrossSectionOptions): Scanner {
  const source = 'cross-section'
  const style = 'momentum'
  const rankingOf = rememberedRanking(options)
  return {
    source,
    style,
    scan(bars, asOf, held = 0, market) {
      const { coin } = bars
      if (market === undefined) return { coin, asOf, source, unavailable: 'no universe to compare with' }
      const standing = rankingOf(market, asOf).get(coin) ?? 'the coin is not in the universe'
      if (typeof standing === 'string') return { coin, asOf, source, unavailable: standing }
      const row = closedRow(bars, asOf)
      if (row < 0) return { coin, asOf, source, unavailable: 'no bar was closed at this hour' }

      const condition = conditionOf(bars, asOf, row, options)
      const skipped = reasonToSkip(standing, condition, options)
      const opinion = skipped === undefined ? standing.side : 0
      const kept = opinion === 0 && held !== 0 && backs(held, standing, condition, options)
      const direction: Direction = kept ? held : opinion
      const { momentum, volatility, fundingZ, momentumRank, calmRank, fundingRank, score, place, of } = standing
      return {
        coin,
        asOf,
        source,
        style,
        direction,
        strength: direction === 0 ? 0 : Math.min(1, score),
        horizonHours: direction === 0 ? 0 : options.horizonHours,
        evidence: {
          score,
          place,
          coins: of,
          momentum,
          momentumRank,
          volatility,
          calmRank,
          fundingZ,
          fundingRank,
          efficiency: shown(condition.efficiency),
          averageDistance: shown(condition.distance),
          openInterestDollars: shown(condition.openInterest),
          ...(skipped === undefined ? {} : { skipped }),
          ...(kept ? { kept: `held side is backed down to place ${options.keepBest}` } : {}),
        },
      }
    },
  }
}

function conditionOf(bars: Bars, asOf: number, row: number, options: CrossSectionOptions): Condition {
  const { efficiencyHours, movingAverageBars } = options
  const { close, openInterest } = bars
  // Across a gap the path would be too short, and the efficiency too high.
  const whole = row >= efficiencyHours && firstRow(bars, asOf, efficiencyHours + 1) === row - efficiencyHours
  const average = averageClose(bars, row, 1, movingAverageBars)
  const spread = average.bars < movingAverageBars || movingAverageBars < LEAST_SHARE_KNOWN * average.span
  return {
    efficiency: whole ? trendEfficiency(close.subarray(row - efficiencyHours, row + 1)) : Number.NaN,
    distance: spread ? Number.NaN : close[row] / average.mean - 1,
    openInterest: openInterest[row] * close[row],
  }
}

/** The first thing that speaks against an opening. */
function reasonToSkip(standing: Standing, condition: Condition, options: CrossSectionOptions): string | undefined {
  const { side, score, place, of } = standing
  const { efficiency, distance, openInterest } = condition
  const { best, efficiencyHours, minEfficiency, movingAverageBars, minOpenInterestDollars } = options
  if (side === 0) return 'momentum is zero'
  if (place > best) return `place ${place} of ${of}, only the best ${best} count`
  if (!(score > 0)) return 'score is zero'
  if (Number.isNaN(efficiency)) return `efficiency over ${efficiencyHours} h is unavailable`
  if (efficiency < minEfficiency) return `efficiency ${efficiency.toFixed(3)} is below ${minEfficiency}`
  if (Number.isNaN(distance)) return `average of ${movingAverageBars} bars is unavailable`
  if (side * distance < 0) {
    return `close is ${percent(distance)} from its average, against a ${side > 0 ? 'long' : 'short'}`
  }
  if (Number.isNaN(openInterest)) {
    return options.unknownOpenInterest === 'skip' ? 'open interest is unavailable' : undefined
  }
  if (openInterest < minOpenInterestDollars) {
    return `open interest of ${Math.round(openInterest)} dollars is below ${minOpenInterestDollars}`
  }
  return undefined
}

function backs(held: Direction, standing: Standing, condition: Condition, options: CrossSectionOptions): boolean {
  const { side, place, score } = standing
  return side === held && place <= options.keepBest && score > 0 && !(held * condition.distance < 0)
}

/**
 * The ranking is one for all coins of an hour, so the last one of each universe is remembered. A universe is its list
 * of histories: another list, or another history in it, is ranked anew.
 */
function rememberedRanking(options: CrossSectionOptions): (market: Market, asOf: number) => Ranking {
  interface Remembered {
    readonly asOf: number
    readonly histories: readonly Bars[]
    readonly ranking: Ranking
  }
  const memory = new WeakMap<readonly Bars[], Remembered>()
  return ({ bars: universe }, asOf) => {
    const last = memory.get(universe)
    const same =
      last?.asOf === asOf &&
      last.histories.length === universe.length &&
      last.histories.every((history, i) => history === universe[i])
    if (last !== undefined && same) return last.ranking
    const ranking = rankUniverse(universe, asOf, options)
    memory.set(universe, { asOf, histories: [...universe], ranking })
    return ranking
  }
}

function shown(value: number): number | string {
  return Number.isNaN(value) ? 'unavailable' : value
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
