import { expectedMaximumSharpe, probabilisticSharpe, sharpeMoments } from '#statistics/deflated-sharpe.ts'
import type { Figure, Missing } from './figure.ts'

/** Hours in a year: perpetuals never close. */
export const HOURS_PER_YEAR = 8760

/** How many configurations were tried before the one at hand was chosen. */
export interface Trials {
  /** All that were run, the chosen one among them. */
  readonly count: number
  /** Sharpe ratio of each trial, per hour; without them, their spread is taken for that of trials without any skill. */
  readonly sharpes?: readonly number[]
}

/** Sharpe ratio of hourly returns, against a risk-free rate of 0; ratios and their errors a year, unless told. */
export interface SharpeFigures {
  readonly ratio: number
  /** The same for one hour. */
  readonly hourly: number
  /** Standard error for independent normal returns (Lo 2002, equation 9). */
  readonly standardErrorNormal: number
  /** Standard error that allows for skewness and heavy tails (Mertens 2002). */
  readonly standardError: number
  readonly skewness: number
  /** 3 for a normal variable. */
  readonly kurtosis: number
  /** Returns that were known. */
  readonly hours: number
  /** Probability that the true ratio is above 0 (Bailey and López de Prado 2012). */
  readonly probabilistic: number
  /** Probability that it is above what luck alone gives the best of the trials (the same, 2014); unavailable without. */
  readonly deflated: Figure
}

/**
 * Sharpe ratio of hourly returns, annualised by the root of 8760.
 *
 * Standard errors are asymptotic for independent returns: with V = 1 + S^2 / 2 (Lo 2002, "The statistics of Sharpe
 * ratios") or V = 1 - skewness x S + (kurtosis - 1) / 4 x S^2 (Mertens 2002, "Comments on variance of the IID
 * estimator in Lo"), S the hourly ratio, the error of S is root(V / hours). Twenty days of hours leave an annual ratio
 * with an error of about 4: a ratio without its error says nothing.
 *
 * @param returns simple returns of single hours, `NaN` where unknown
 */
export function sharpeOf(returns: ArrayLike<number>, trials?: Trials): SharpeFigures | Missing {
  const moments = sharpeMoments(returns)
  const { sharpe, skewness, kurtosis, periods } = moments
  if (periods < 2) return { unavailable: `${periods} hourly returns are known, 2 are needed` }
  if (Number.isNaN(sharpe)) return { unavailable: 'equity did not move' }
  const year = Math.sqrt(HOURS_PER_YEAR)
  const error = (variance: number) => year * Math.sqrt(variance / periods)
  return {
    ratio: sharpe * year,
    hourly: sharpe,
    standardErrorNormal: error(1 + (sharpe * sharpe) / 2),
    standardError: error(1 - skewness * sharpe + ((kurtosis - 1) / 4) * sharpe * sharpe),
    skewness,
    kurtosis,
    hours: periods,
    probabilistic: probabilisticSharpe(moments, 0),
    deflated:
      trials === undefined
        ? { unavailable: 'the number of trials is not known' }
        : probabilisticSharpe(moments, expectedMaximumSharpe(trials.count, spreadOf(trials, periods))),
  }
}

/** Variance of the trials' hourly ratios; 1 / (hours - 1), their sampling variance without skill, where none are given. */
function spreadOf({ sharpes }: Trials, periods: number): number {
  const known = sharpes?.filter((value) => !Number.isNaN(value)) ?? []
  if (known.length < 2) return 1 / (periods - 1)
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  return known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1)
}

/**
 * Sortino ratio a year: mean hourly return over the root mean square of the losing ones (over all hours; target 0),
 * times the root of 8760 (Sortino and Price 1994, "Performance measurement in a downside risk framework").
 */
export function sortinoOf(returns: ArrayLike<number>): Figure {
  let count = 0
  let sum = 0
  let downside = 0
  for (let i = 0; i < returns.length; i++) {
    if (Number.isNaN(returns[i])) continue
    count++
    sum += returns[i]
    if (returns[i] < 0) downside += returns[i] * returns[i]
  }
  if (count === 0) return { unavailable: 'no hourly return is known' }
  if (downside === 0) return { unavailable: sum > 0 ? 'no hour lost' : 'equity did not move' }
  return (sum / count / Math.sqrt(downside / count)) * Math.sqrt(HOURS_PER_YEAR)
}
