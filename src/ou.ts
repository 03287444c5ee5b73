/** An Ornstein-Uhlenbeck process dX = theta (mu - X) dt + sigma dW with dt in hours. */
export interface OuFit {
  /** Speed of mean reversion, 1/h. */
  readonly theta: number
  /** Long-run mean, in units of X. */
  readonly mu: number
  /** Diffusion, units of X per square root of an hour. */
  readonly sigma: number
  /** ln 2 / theta, in hours. */
  readonly halfLifeHours: number
  /** exp(-theta): the share of a deviation that is left after an hour. */
  readonly persistence: number
  /** sigma / sqrt(2 theta), in units of X. */
  readonly stationaryDeviation: number
  /** Pairs of consecutive hours behind the fit. */
  readonly pairs: number
}

/** Why there is no fit. */
export interface OuFailure {
  readonly unavailable: 'too few pairs' | 'funding did not vary' | 'no mean reversion'
  readonly pairs: number
  /** The regression's coefficient, where one could be computed. */
  readonly persistence?: number
}

/**
 * Fits an OU process by conditional maximum likelihood.
 *
 * The exact discretisation over one hour is X(t+1) = mu (1 - b) + b X(t) + e with b = exp(-theta) and
 * Var e = sigma^2 (1 - b^2) / (2 theta) (Gillespie 1996, Phys. Rev. E 54, 2084), so the regression of X(t+1) on X(t)
 * is the maximum-likelihood estimator given the first value of each pair: what statsmodels' OLS and AutoReg give. The
 * exact likelihood (ARIMA), in which the first value counts too, puts b less than a quarter of a standard error away
 * over a week. Only pairs of *consecutive* hours enter: a missing hour breaks the chain and is never bridged.
 *
 * Small samples: the residual variance is divided by pairs - 2 (two coefficients were spent). b itself is left as
 * estimated; it is low by about (1 + 3 b) / pairs (Kendall 1954, Marriott and Pope 1954), so half-lives come out
 * short: for a true one of 24 h and 168 pairs the median estimate is 14 h. `pairs` is returned so that a caller can
 * correct.
 *
 * @param values hourly grid `[hours]`, oldest first, `NaN` where missing.
 * @returns a failure where b is not in (0, 1): such a series does not revert.
 */
export function fitOu(values: Float64Array, minPairs: number): OuFit | OuFailure {
  let pairs = 0
  let sumBefore = 0
  let sumAfter = 0
  for (let i = 1; i < values.length; i++) {
    const before = values[i - 1]
    const after = values[i]
    if (Number.isNaN(before) || Number.isNaN(after)) continue
    pairs++
    sumBefore += before
    sumAfter += after
  }
  if (pairs < Math.max(minPairs, 3)) return { unavailable: 'too few pairs', pairs }

  // Centred sums: funding differs from its mean by 1e-10 to 1e-4, raw squares would lose it.
  const meanBefore = sumBefore / pairs
  const meanAfter = sumAfter / pairs
  let varied = false
  let squares = 0
  let products = 0
  let squaresAfter = 0
  for (let i = 1; i < values.length; i++) {
    const before = values[i - 1] - meanBefore
    const after = values[i] - meanAfter
    if (Number.isNaN(before) || Number.isNaN(after)) continue
    squares += before * before
    products += before * after
    squaresAfter += after * after
    varied ||= values[i] !== values[i - 1]
  }
  // Rounding of the mean leaves a residue in `squares` even where every value is the same.
  if (!varied || squares === 0) return { unavailable: 'funding did not vary', pairs }

  const persistence = products / squares
  if (!(persistence > 0 && persistence < 1)) return { unavailable: 'no mean reversion', pairs, persistence }
  const residual = Math.max(0, squaresAfter - persistence * products) / (pairs - 2)
  if (residual === 0) return { unavailable: 'funding did not vary', pairs, persistence }

  const theta = -Math.log(persistence)
  const stationaryDeviation = Math.sqrt(residual / (1 - persistence * persistence))
  return {
    theta,
    mu: (meanAfter - persistence * meanBefore) / (1 - persistence),
    sigma: stationaryDeviation * Math.sqrt(2 * theta),
    halfLifeHours: Math.LN2 / theta,
    persistence,
    stationaryDeviation,
    pairs,
  }
}

/** Distance of `value` from the mean in standard deviations of the stationary distribution N(mu, sigma^2 / 2 theta). */
export function stationaryZ(fit: OuFit, value: number): number {
  return (value - fit.mu) / fit.stationaryDeviation
}

/** E[X(t + ahead) | X(t) = value] = mu + (value - mu) exp(-theta ahead); `ahead` in hours. */
export function expectedValue(fit: OuFit, value: number, ahead: number): number {
  return fit.mu + (value - fit.mu) * Math.exp(-fit.theta * ahead)
}
