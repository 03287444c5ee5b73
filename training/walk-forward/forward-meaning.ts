import { HOUR } from '#data/bars.ts'
import type { Random } from '#data/random.ts'
import type { WindowEnd } from '#data/windows.ts'
import { REGIMES, type Regime } from '#models/regime.ts'
import { holm } from '#statistics/multiple-testing.ts'
import type { Market } from '../dataset.ts'
import { blockShuffleTest } from '../statistics/rank-test.ts'
import { CONTESTANTS, type Contestant } from './contestants.ts'
import { pooledClasses, pooledSamples, type Runs, type TestBlock } from './test-blocks.ts'

/** Hours that are looked ahead. */
const AHEAD_HOURS = 24
/** Hours shuffled together: a week, longer than regimes last, and true to the day of the week. */
const BLOCK_HOURS = 168

/** What followed an hour. */
export const OUTCOMES = ['volatility', 'return'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** Whether what followed differs between the regimes that a contestant named. */
export interface ForwardMeaning {
  readonly contestant: Contestant
  readonly outcome: Outcome
  /** Kruskal-Wallis H. */
  readonly statistic: number
  /** Share of the variance of ranks that the regimes explain. */
  readonly effect: number
  /** By block shuffle; `NaN` with fewer than five weeks. */
  readonly p: number
  /** The same after Holm's correction for all tests of this table. */
  readonly corrected: number
  /** Median of what followed each regime. */
  readonly medians: Readonly<Record<Regime, number>>
  readonly hours: number
  readonly samples: number
}

/**
 * Does a regime say anything of the next day? The volatility of the next 24 hours (logarithm of the root mean square
 * of hourly returns over sigma) and their return (over sigma times the root of 24), across the regimes that the first
 * seed of each contestant named, over the test blocks of all folds.
 */
export function forwardMeaning(
  blocks: readonly TestBlock[],
  markets: readonly Market[],
  runs: Runs,
  { shuffles, random }: { readonly shuffles: number; readonly random: Random },
): ForwardMeaning[] {
  const which = [...blocks.keys()]
  const { coin, asOf, ends } = pooledSamples(blocks, which)
  const outcomes = outcomesOf(markets, ends)
  const tests = CONTESTANTS.flatMap((contestant) => {
    const group = pooledClasses(runs[contestant][0], blocks, which)
    return OUTCOMES.map((outcome) => {
      const test = blockShuffleTest({
        coin,
        asOf,
        group,
        value: outcomes[outcome],
        blockHours: BLOCK_HOURS,
        shuffles,
        random: random.fork(`${contestant} ${outcome}`),
      })
      const { statistic, effect, p, groups, hours } = test
      const medians = Object.fromEntries(REGIMES.map((regime, k) => [regime, groups[k].median])) as Record<
        Regime,
        number
      >
      const samples = groups.reduce((sum, { count }) => sum + count, 0)
      return { contestant, outcome, statistic, effect, p, medians, hours, samples }
    })
  })
  const corrected = holm(tests.map(({ p }) => p))
  return tests.map((test, i) => ({ ...test, corrected: corrected[i] }))
}

/** What followed each window end; `NaN` where an hour of the next day is absent. */
function outcomesOf(markets: readonly Market[], ends: readonly WindowEnd[]): Record<Outcome, Float64Array> {
  const barsOf = new Map(markets.map(({ features, bars }) => [features, bars]))
  const volatility = new Float64Array(ends.length).fill(Number.NaN)
  const moves = new Float64Array(ends.length).fill(Number.NaN)
  ends.forEach(({ table, row }, i) => {
    const { openTime, close } = barsOf.get(table)!
    const last = row + AHEAD_HOURS
    // Bars are unique and ascending: so many rows on and so many hours on means that none is absent.
    if (last >= close.length || openTime[last] - openTime[row] !== AHEAD_HOURS * HOUR) return
    let squares = 0
    for (let k = row + 1; k <= last; k++) squares += Math.log(close[k] / close[k - 1]) ** 2
    const daily = Math.sqrt(squares / AHEAD_HOURS)
    if (daily > 0) volatility[i] = Math.log(daily / table.sigma[row])
    moves[i] = Math.log(close[last] / close[row]) / (table.sigma[row] * Math.sqrt(AHEAD_HOURS))
  })
  return { volatility, return: moves }
}
