import { InputError } from '#data/errors.ts'
import { normalCdf, normalQuantile } from './distributions.ts'

/** Euler-Mascheroni constant. */
const EULER = 0.5772156649015329

/** What a series of returns says of its Sharpe ratio, per period (never annualised). */
export interface SharpeMoments {
  /** Mean over standard deviation (n - 1) of the returns; `NaN` where they do not vary. */
  readonly sharpe: number
  /** Of the returns, third standardised moment (over n). */
  readonly skewness: number
  /** Fourth standardised moment (over n): 3 for a normal variable. */
  readonly kurtosis: number
  readonly periods: number
}

/**
 * Sharpe ratio, skewness and kurtosis of returns; `NaN` returns are left out.
 *
 * @param returns `[periods]`, excess returns of equal periods that do not overlap
 */
export function sharpeMoments(returns: ArrayLike<number>): SharpeMoments {
  const known = Array.from(returns).filter((value) => !Number.isNaN(value))
  const periods = known.length
  const mean = known.reduce((sum, value) => sum + value, 0) / periods
  const moment = (power: number) => known.reduce((sum, value) => sum + (value - mean) ** power, 0) / periods
  const variance = moment(2)
  const deviation = Math.sqrt((variance * periods) / (periods - 1))
  // Rounding leaves a constant series a variance that is not quite 0, and a Sharpe ratio of 1e16.
  const varies = Math.sqrt(variance) > 1e-12 * Math.abs(mean)
  return {
    sharpe: varies ? mean / deviation : Number.NaN,
    skewness: varies ? moment(3) / variance ** 1.5 : Number.NaN,
    kurtosis: varies ? moment(4) / variance ** 2 : Number.NaN,
    periods,
  }
}

/**
 * Probabilistic Sharpe ratio: the probability that the true Sharpe ratio is above `benchmark` (per period, as the
 * moments), given how short, skewed and heavy-tailed the returns were (Bailey and López de Prado 2012, "The Sharpe
 * ratio efficient frontier", equation 11). Takes returns for independent: overlapping ones make it too sure.
 */
export function probabilisticSharpe({ sharpe, skewness, kurtosis, periods }: SharpeMoments, benchmark: number): number {
  const variance = 1 - skewness * sharpe + ((kurtosis - 1) / 4) * sharpe * sharpe
  return normalCdf(((sharpe - benchmark) * Math.sqrt(periods - 1)) / Math.sqrt(variance))
}

/**
 * The largest Sharpe ratio to be expected of `trials` strategies without any skill whose Sharpe ratios have
 * `variance` (Bailey and López de Prado 2014, "The deflated Sharpe ratio", equation 1); 0 for one trial.
 *
 * @param trials independent trials; trials alike count for fewer, so the plain number is the cautious choice
 * @throws {InputError} for fewer than one trial
 */
export function expectedMaximumSharpe(trials: number, variance: number): number {
  if (!(trials >= 1)) throw new InputError(`a search has at least 1 trial, got ${trials}`, { trials })
  if (trials === 1) return 0
  const first = normalQuantile(1 - 1 / trials)
  const second = normalQuantile(1 - 1 / (trials * Math.E))
  return Math.sqrt(variance) * ((1 - EULER) * first + EULER * second)
}

/** The Sharpe ratio of the chosen trial after allowing for the others. */
export interface DeflatedSharpe {
  /** Probability that the true Sharpe ratio of the chosen trial is above what luck alone would have given the best. */
  readonly deflated: number
  /** The same above 0, as if there had been one trial. */
  readonly probabilistic: number
  /** What luck alone would have given the best of the trials, per period. */
  readonly expectedMaximum: number
  readonly trials: number
  readonly moments: SharpeMoments
}

/**
 * Deflated Sharpe ratio of the trial that a search chose. Below 0.95 the result is what a search of this size finds
 * in noise.
 *
 * For: whether a chosen backtest stands out of the number of tries. Not for: how much it will earn, and only as
 * honest as the number of trials, which must hold **all** that were run.
 *
 * @param moments of the chosen trial
 * @param trialSharpes per-period Sharpe ratios of every trial, the chosen among them; `NaN` is left out
 * @param trials all trials run, where it is more than the ratios at hand
 * @throws {InputError} where there is no trial
 */
export function deflatedSharpe(
  moments: SharpeMoments,
  trialSharpes: readonly number[],
  trials = trialSharpes.length,
): DeflatedSharpe {
  const known = trialSharpes.filter((value) => !Number.isNaN(value))
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1)
  const expectedMaximum = expectedMaximumSharpe(trials, variance)
  return {
    deflated: probabilisticSharpe(moments, expectedMaximum),
    probabilistic: probabilisticSharpe(moments, 0),
    expectedMaximum,
    trials,
    moments,
  }
}
