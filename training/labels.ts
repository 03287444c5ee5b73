import { type Bars, HOUR } from '#data/bars.ts'
import type { FeatureTable } from '#data/features.ts'

/** Label of a row that has none: not enough past or future, a gap, or no scale. */
export const NO_LABEL = 255

/** What the centred label looks at (design section 5). */
export interface LabelDefinition {
  /** Hours before and after. */
  readonly halfWidth: number
  /** Mean absolute move of both halves, in their own standard deviation, from which on it is no chop. */
  readonly kappa: number
}

export const CENTRED_LABEL: LabelDefinition = { halfWidth: 12, kappa: 1.05 }

/** How far the forecast label looks, forward and back. */
export const FORECAST_HOURS = 24
/** Net move over path from which on the next day is no chop. */
const FORECAST_EFFICIENCY = 0.16

const CHOP = 0
const TREND = 1
const REVERSAL = 2

/** `close[i]` by hour since the first bar, `NaN` where a bar is absent. */
function hourlyLogClose(bars: Bars): Float64Array {
  const first = bars.openTime[0]
  const hours = bars.openTime.length === 0 ? 0 : (bars.openTime[bars.openTime.length - 1] - first) / HOUR + 1
  const logClose = new Float64Array(hours).fill(Number.NaN)
  for (let row = 0; row < bars.openTime.length; row++) {
    logClose[(bars.openTime[row] - first) / HOUR] = Math.log(bars.close[row])
  }
  return logClose
}

/**
 * The centred label: what hindsight says the market was doing at t. With a the sum of log returns over
 * (t - w, t], b over (t, t + w] and m = (|a| + |b|) / (sigma sqrt(w)): chop if m < kappa, else trend if a and b
 * have one sign, else reversal (design section 5).
 *
 * **Looks w hours into the future**: for training and evaluation only.
 *
 * @returns one label per bar: 0 chop, 1 trend, 2 reversal, {@link NO_LABEL}
 */
export function centredLabels(bars: Bars, features: FeatureTable, definition = CENTRED_LABEL): Uint8Array {
  const { halfWidth, kappa } = definition
  const logClose = hourlyLogClose(bars)
  return Uint8Array.from(bars.openTime, (openTime, row) => {
    const i = (openTime - bars.openTime[0]) / HOUR
    if (i < halfWidth || i + halfWidth >= logClose.length) return NO_LABEL
    const before = logClose[i] - logClose[i - halfWidth]
    const after = logClose[i + halfWidth] - logClose[i]
    const move = (Math.abs(before) + Math.abs(after)) / (features.sigma[row] * Math.sqrt(halfWidth))
    if (Number.isNaN(move)) return NO_LABEL
    if (move < kappa) return CHOP
    return Math.sign(before) === Math.sign(after) ? TREND : REVERSAL
  })
}

/**
 * The forecast label: the next 24 h only. Chop if net move / path < 0.16, else trend or reversal against the
 * last 24 h (design section 5: nothing measured so far beats chance on it; kept for honesty).
 *
 * **Looks 24 hours into the future**: for evaluation only.
 *
 * @returns one label per bar: 0 chop, 1 trend, 2 reversal, {@link NO_LABEL}
 */
export function forecastLabels(bars: Bars): Uint8Array {
  const logClose = hourlyLogClose(bars)
  return Uint8Array.from(bars.openTime, (openTime) => {
    const i = (openTime - bars.openTime[0]) / HOUR
    if (i < FORECAST_HOURS || i + FORECAST_HOURS >= logClose.length) return NO_LABEL
    let path = 0
    for (let h = 1; h <= FORECAST_HOURS; h++) path += Math.abs(logClose[i + h] - logClose[i + h - 1])
    const before = logClose[i] - logClose[i - FORECAST_HOURS]
    const after = logClose[i + FORECAST_HOURS] - logClose[i]
    if (Number.isNaN(path) || Number.isNaN(before) || path === 0) return NO_LABEL
    if (Math.abs(after) / path < FORECAST_EFFICIENCY) return CHOP
    return Math.sign(before) === Math.sign(after) ? TREND : REVERSAL
  })
}
