import { type Bars, HOUR, lowerBound } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { FusionOptions } from '../options/fusion.ts'
import { isSignal, type Scan } from '../scanners/scanner.ts'
import { dailyVolatility } from '../wheel/sizing.ts'
import { projectWeights, type SourceWeights, weightOf } from './weights.ts'

/** What following each source would have brought, in standard deviations; silent sources are absent. */
export type Payoffs = Readonly<Record<string, number>>

/** Hours before the opinion whose volatility makes the coins comparable. */
const VOLATILITY_HOURS = 168
/** One coin's payoff counts to so many standard deviations: the bound that multiplicative weights need. */
const GREATEST_PAYOFF = 3

/**
 * Compares the opinions given at `then` with what came until `now`: for each source the mean over the coins it had a
 * signal on of direction x strength x (log return - funding paid by longs), over the volatility known at `then` for so
 * many hours. Costs are left out: they are the same for all sources, and the edge weighs them.
 *
 * A coin counts only where the closes at both ends, the funding of every hour between and the volatility are known.
 * Nothing after `now` is looked at, and the answer depends on the arguments only.
 *
 * @param scans of all coins, given at `then` without a held side.
 * @param bars histories by coin.
 * @throws {InputError} where `now` is not after `then`, or a scan was not given at `then`.
 */
export function payoffs(scans: readonly Scan[], bars: ReadonlyMap<string, Bars>, then: number, now: number): Payoffs {
  if (!(now > then)) throw new InputError(`opinions at ${then} cannot be judged at ${now}`, { then, now })
  const outcomes = new Map<string, number>()
  const sums = new Map<string, { sum: number; coins: number }>()
  for (const scan of scans) {
    const { asOf, coin, source } = scan
    if (asOf !== then) throw new InputError(`${source} on ${coin}: given at ${asOf}, not at ${then}`, { source, coin })
    if (!isSignal(scan) || scan.direction === 0) continue
    let outcome = outcomes.get(coin)
    if (outcome === undefined) {
      const history = bars.get(coin)
      outcome = history === undefined ? Number.NaN : outcomeOf(history, then, now)
      outcomes.set(coin, outcome)
    }
    if (Number.isNaN(outcome)) continue
    const entry = sums.get(source) ?? { sum: 0, coins: 0 }
    entry.sum += scan.direction * scan.strength * outcome
    entry.coins++
    sums.set(source, entry)
  }
  return Object.fromEntries([...sums].map(([source, { sum, coins }]) => [source, sum / coins]))
}

/** What a long of one unit brought from `then` to `now`, in standard deviations of so many hours; `NaN` if unknown. */
function outcomeOf(bars: Bars, then: number, now: number): number {
  const { close, funding, openTime } = bars
  const first = lowerBound(openTime, then - HOUR)
  const last = first + (now - then) / HOUR
  // Bars ascend by whole hours, so these two are at their places only if no hour between them is missing.
  if (openTime[first] !== then - HOUR || openTime[last] !== now - HOUR) return Number.NaN
  let paid = 0
  for (let i = first + 1; i <= last; i++) paid += funding[i]
  const deviation = dailyVolatility(bars, then, VOLATILITY_HOURS) * Math.sqrt((now - then) / (24 * HOUR))
  const outcome = (Math.log(close[last] / close[first]) - paid) / deviation
  return Math.min(Math.max(outcome, -GREATEST_PAYOFF), GREATEST_PAYOFF)
}

/**
 * One lesson: multiplicative weights (Hedge; Freund & Schapire 1997; Cesa-Bianchi & Lugosi 2006, chapter 2) among the
 * sources that spoke, which share the weight they had together; the silent ones keep theirs (specialists; Freund,
 * Schapire, Singer & Warmuth 1997). So weights say which source to follow rather than another. A source that spoke
 * alone was compared with nobody and keeps its weight: whether to follow any is for the strategy's record to say.
 *
 * The step is `rate` x payoff / `horizonHours`: lessons come hourly and those of one horizon overlap, so a horizon's
 * worth of them counts as one. Weights are projected onto [floor, ceiling] x configured: a source down on its luck
 * stays within `log(ceiling / floor) / rate` standard deviations of coming back. That bound does what fixed share
 * (Herbster & Warmuth 1998) does, without taking weight from sources that were right or moving those that were silent.
 *
 * @param weights of the lesson before; undefined before the first: the configured ones.
 * @returns the weight of every configured source.
 */
export function learn(
  weights: SourceWeights | undefined,
  payoffs: Payoffs,
  options: FusionOptions,
): Record<string, number> {
  const { ceiling, floor, horizonHours, rate } = options.learning
  const sources = Object.keys(options.weights)
  const learned = Object.fromEntries(sources.map((source) => [source, weightOf(source, options, weights)]))
  const awake = sources.filter((source) => learned[source] > 0 && Number.isFinite(payoffs[source]))
  if (awake.length < 2) return learned
  const wanted = awake.map((source) => learned[source] * Math.exp((rate * payoffs[source]) / horizonHours))
  const configured = awake.map((source) => options.weights[source])
  const projected = projectWeights(
    wanted,
    configured.map((weight) => floor * weight),
    configured.map((weight) => ceiling * weight),
    awake.reduce((sum, source) => sum + learned[source], 0),
  )
  for (const [i, source] of awake.entries()) learned[source] = projected[i]
  return learned
}
