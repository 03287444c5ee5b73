import { HOUR, lowerBound } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { REGIMES } from '#models/regime.ts'
import type { RegimeProbabilities } from './fusion/fuse.ts'

/** Regime estimates of one coin over time. */
export interface EstimateSeries {
  /** Ascending and unique, UTC milliseconds. */
  readonly asOf: Float64Array
  /** Row-major `[rows, 3]`: chop, trend, reversal; a row of `NaN` is no estimate. */
  readonly probabilities: Float32Array
}

/** @throws {InputError} where the two columns do not fit each other or time does not ascend. */
export function checkEstimates(coin: string, { asOf, probabilities }: EstimateSeries): void {
  if (probabilities.length !== asOf.length * REGIMES.length) {
    throw new InputError(
      `${coin}: ${asOf.length} estimates need ${asOf.length * REGIMES.length} probabilities, got ${probabilities.length}`,
      { coin },
    )
  }
  for (let i = 1; i < asOf.length; i++) {
    if (asOf[i] > asOf[i - 1]) continue
    throw new InputError(`${coin}: estimates must ascend in time, row ${i} (${asOf[i]}) does not`, { coin, row: i })
  }
}

/**
 * The newest estimate made at or before `time` and at most `maxAgeHours` old; undefined where there is none or it is
 * not a probability vector.
 */
export function estimateAt(
  series: EstimateSeries | undefined,
  time: number,
  maxAgeHours: number,
): RegimeProbabilities | undefined {
  if (series === undefined) return undefined
  const row = lowerBound(series.asOf, time + 1) - 1
  if (row < 0 || series.asOf[row] < time - maxAgeHours * HOUR) return undefined
  const [chop, trend, reversal] = series.probabilities.subarray(row * REGIMES.length)
  const isVector = Math.min(chop, trend, reversal) >= 0 && Math.abs(chop + trend + reversal - 1) < 1e-3
  return isVector ? [chop, trend, reversal] : undefined
}
