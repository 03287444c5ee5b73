import { type Bars, HOUR } from '#data/bars.ts'
import type { ValidationOptions } from '../options/validation.ts'
import { type Reason, rejected, unavailable } from './reason.ts'

// Rounding in a ratio must not decide at the exact edge.
const EDGE = 1e-12

/** |last - first| / sum of |steps|: 1 a straight line, near 0 a market that goes nowhere; `NaN` where nothing moved. */
export function trendEfficiency(closes: Float64Array): number {
  let path = 0
  for (let i = 1; i < closes.length; i++) path += Math.abs(closes[i] - closes[i - 1])
  return path > 0 ? Math.abs(closes[closes.length - 1] - closes[0]) / path : Number.NaN
}

/**
 * Rejects where |net move| / path of the closes (Kaufman's efficiency ratio; "Smarter Trading", 1995) is below the
 * limit, and raises the confidence where it is above another.
 *
 * @param row of the newest hourly bar that may be looked at.
 */
export function efficiencyGate(
  { close, openTime }: Bars,
  row: number,
  options: ValidationOptions,
): { readonly confidence: number; readonly reason?: Reason } {
  const gate = 'efficiency'
  const { efficiencyHours: hours, minEfficiency: limit, raiseEfficiency, raiseFactor } = options
  const against = (reason: Reason) => ({ confidence: 1, reason })
  if (row < hours) return against(unavailable(gate, `${row + 1} of ${hours + 1} bars`))
  // Across a gap the path would be too short, and the efficiency too high.
  if (openTime[row] - openTime[row - hours] !== hours * HOUR) {
    return against(unavailable(gate, `an hour is missing among the last ${hours}`))
  }
  const efficiency = trendEfficiency(close.subarray(row - hours, row + 1))
  if (Number.isNaN(efficiency)) return against(unavailable(gate, `the price did not move in ${hours} h`))
  if (efficiency >= limit - EDGE) return { confidence: efficiency > raiseEfficiency + EDGE ? raiseFactor : 1 }
  const measured = `trend efficiency over ${hours} h is ${efficiency.toFixed(3)}`
  return against(rejected(gate, `${measured}, at least ${limit.toFixed(2)}`))
}
