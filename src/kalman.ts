/**
 * Local level model: y(t) = m(t) + e(t), Var e = R; m(t+1) = m(t) + n(t), Var n = Q.
 * Source: Durbin and Koopman, Time Series Analysis by State Space Methods, 2nd edition, chapter 2.
 */
export interface LocalLevel {
  /** Q: variance of the level's steps. */
  readonly levelVariance: number
  /** R: variance of the observation noise. */
  readonly noiseVariance: number
}

/** A maximum-likelihood fit. */
export interface LocalLevelFit extends LocalLevel {
  /** Diffuse log-likelihood of the observations after the first. */
  readonly logLikelihood: number
  readonly observations: number
}

/** Why there is no fit. */
export interface LocalLevelFailure {
  readonly unavailable: 'too few observations' | 'funding did not vary' | 'likelihood is not finite'
  readonly observations: number
}

/** The filter after its last hour: predict and, where there was an observation, update. */
export interface FilteredLevel {
  /** E[m | all values], and its variance. */
  readonly level: number
  readonly levelVariance: number
  /** y - E[m | values before] of the last hour, `NaN` where it is missing or the first one. */
  readonly innovation: number
  readonly innovationVariance: number
}

// ln(Q/R): from a constant level (1e-7) to a level without noise (8000); beyond, the likelihood is flat.
const LOWEST = -16
const HIGHEST = 9
const GOLDEN = (Math.sqrt(5) - 1) / 2
const TOLERANCE = 1e-4

/**
 * Likelihood with R concentrated out, at a ratio q = Q/R (Durbin and Koopman 2.10.2), diffuse start:
 * the first observation sets the level. A missing hour only predicts: the level's variance grows by Q.
 *
 * @param values hourly grid `[hours]`, `NaN` where missing.
 */
export function concentratedLikelihood(
  values: Float64Array,
  ratio: number,
): { readonly logLikelihood: number; readonly noiseVariance: number; readonly observations: number } {
  let level = Number.NaN
  let variance = 0
  let count = 0
  let squares = 0
  let logarithms = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    variance += ratio
    if (Number.isNaN(value)) continue
    if (count++ === 0) {
      level = value
      variance = 1
      continue
    }
    const total = variance + 1
    const innovation = value - level
    level += (variance / total) * innovation
    variance /= total
    squares += (innovation * innovation) / total
    logarithms += Math.log(total)
  }
  const used = count - 1
  const noiseVariance = squares / used
  const logLikelihood = -0.5 * (used * (Math.log(2 * Math.PI) + 1 + Math.log(noiseVariance)) + logarithms)
  return { logLikelihood, noiseVariance, observations: count }
}

/**
 * Q and R by maximum likelihood: a scan of ln(Q/R) in steps of one, because the likelihood may have
 * two humps, then golden-section search around the best.
 *
 * @param values past observations only, hourly grid `[hours]`, `NaN` where missing.
 */
export function fitLocalLevel(values: Float64Array, minObservations: number): LocalLevelFit | LocalLevelFailure {
  let observations = 0
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue
    observations++
    lowest = Math.min(lowest, values[i])
    highest = Math.max(highest, values[i])
  }
  if (observations < Math.max(minObservations, 3)) return { unavailable: 'too few observations', observations }
  if (lowest === highest) return { unavailable: 'funding did not vary', observations }

  const at = (logRatio: number) => concentratedLikelihood(values, Math.exp(logRatio)).logLikelihood
  let best = LOWEST
  let bestLikelihood = Number.NEGATIVE_INFINITY
  for (let logRatio = LOWEST; logRatio <= HIGHEST; logRatio++) {
    const likelihood = at(logRatio)
    if (likelihood > bestLikelihood) {
      bestLikelihood = likelihood
      best = logRatio
    }
  }
  if (!Number.isFinite(bestLikelihood)) return { unavailable: 'likelihood is not finite', observations }

  const ratio = Math.exp(maximise(at, Math.max(LOWEST, best - 1), Math.min(HIGHEST, best + 1)))
  const { logLikelihood, noiseVariance } = concentratedLikelihood(values, ratio)
  if (!(noiseVariance > 0) || !Number.isFinite(logLikelihood)) {
    return { unavailable: 'likelihood is not finite', observations }
  }
  return { levelVariance: ratio * noiseVariance, noiseVariance, logLikelihood, observations }
}

/** Golden-section search for the maximum of a one-humped function on [low, high] (Kiefer 1953). */
function maximise(of: (x: number) => number, from: number, to: number): number {
  let low = from
  let high = to
  let left = high - GOLDEN * (high - low)
  let right = low + GOLDEN * (high - low)
  let atLeft = of(left)
  let atRight = of(right)
  while (high - low > TOLERANCE) {
    if (atLeft >= atRight) {
      high = right
      right = left
      atRight = atLeft
      left = high - GOLDEN * (high - low)
      atLeft = of(left)
    } else {
      low = left
      left = right
      atLeft = atRight
      right = low + GOLDEN * (high - low)
      atRight = of(right)
    }
  }
  return (low + high) / 2
}

/**
 * Runs the filter (never the smoother) over `values` from a diffuse start and returns its last state.
 *
 * @param values hourly grid `[hours]`, `NaN` where missing; the first observation sets the level.
 */
export function filterLevel(values: Float64Array, model: LocalLevel): FilteredLevel {
  let level = Number.NaN
  let variance = 0
  let innovation = Number.NaN
  let innovationVariance = Number.NaN
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    variance += model.levelVariance
    innovation = Number.NaN
    innovationVariance = Number.NaN
    if (Number.isNaN(value)) continue
    if (Number.isNaN(level)) {
      level = value
      variance = model.noiseVariance
      continue
    }
    innovation = value - level
    innovationVariance = variance + model.noiseVariance
    const gain = variance / innovationVariance
    level += gain * innovation
    variance *= 1 - gain
  }
  return { level, levelVariance: variance, innovation, innovationVariance }
}

/** The last value against the mean and deviation of the values before it; `NaN` z where that is not defined. */
export function rollingZ(values: Float64Array, minObservations: number): { readonly z: number; readonly mean: number } {
  const last = values[values.length - 1]
  let count = 0
  let sum = 0
  let lowest = Number.POSITIVE_INFINITY
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < values.length - 1; i++) {
    if (Number.isNaN(values[i])) continue
    count++
    sum += values[i]
    lowest = Math.min(lowest, values[i])
    highest = Math.max(highest, values[i])
  }
  if (count < Math.max(minObservations, 2) || lowest === highest) return { z: Number.NaN, mean: Number.NaN }
  const mean = sum / count
  let squares = 0
  for (let i = 0; i < values.length - 1; i++) if (!Number.isNaN(values[i])) squares += (values[i] - mean) ** 2
  return { z: (last - mean) / Math.sqrt(squares / (count - 1)), mean }
}
