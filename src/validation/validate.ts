import { type Bars, barsKnownAt, HOUR } from '#data/bars.ts'
import type { ValidationOptions } from '../options/validation.ts'
import type { Direction } from '../scanners/scanner.ts'
import { type Reason, rejected, unavailable } from './reason.ts'

/** The validator's answer, with every reason and not the first only. */
export interface Verdict {
  readonly accepted: boolean
  readonly reasons: readonly Reason[]
}

// Rounding in a mean or a ratio must not decide at the exact edge.
const EDGE = 1e-12

/** A gate looks at the known bars, newest last at `asOf - 1 h`, and objects or does not. */
type Gate = (known: Bars, direction: 1 | -1, options: ValidationOptions) => Reason | undefined

const GATES: readonly Gate[] = [movingAverageGate, efficiencyGate]

/**
 * Asks every gate about a position in `direction`; fails closed where a gate cannot tell.
 *
 * @param bars history of one coin; bars not known at `asOf` are not looked at.
 */
export function validate(bars: Bars, asOf: number, direction: 1 | -1, options: ValidationOptions): Verdict {
  const known = barsKnownAt(bars, asOf)
  if (known.openTime[known.openTime.length - 1] !== asOf - HOUR) {
    return { accepted: false, reasons: [unavailable('bars', 'no bar was closed at this hour')] }
  }
  const reasons = GATES.map((gate) => gate(known, direction, options)).filter((reason) => reason !== undefined)
  return { accepted: reasons.length === 0, reasons }
}

/** Longs are rejected more than the allowed distance below the average of the last closes, shorts more than it above. */
function movingAverageGate(known: Bars, direction: Direction, options: ValidationOptions): Reason | undefined {
  const gate = 'moving-average'
  const { movingAverageBars: bars, movingAverageDistance: limit } = options
  const { close } = known
  if (close.length < bars) return unavailable(gate, `${close.length} of ${bars} bars`)
  let sum = 0
  for (let i = close.length - bars; i < close.length; i++) sum += close[i]
  const average = sum / bars
  const distance = close[close.length - 1] / average - 1
  if (!Number.isFinite(distance)) return unavailable(gate, `a close among the last ${bars} is not a number`)
  if (-direction * distance <= limit + EDGE) return undefined
  const where = direction > 0 ? 'below' : 'above'
  return rejected(
    gate,
    `close is ${percent(Math.abs(distance))} ${where} the ${bars}-bar average, at most ${percent(limit)}`,
  )
}

/** Rejects where |net move| / path of the closes (Kaufman's efficiency ratio) is below the limit. */
function efficiencyGate(known: Bars, _direction: Direction, options: ValidationOptions): Reason | undefined {
  const gate = 'efficiency'
  const { efficiencyHours: hours, minEfficiency: limit } = options
  const { close, openTime } = known
  const last = close.length - 1
  if (last < hours) return unavailable(gate, `${close.length} of ${hours + 1} bars`)
  // Across a gap the path would be too short, and the efficiency too high.
  if (openTime[last] - openTime[last - hours] !== hours * HOUR) {
    return unavailable(gate, `an hour is missing among the last ${hours}`)
  }
  const efficiency = trendEfficiency(close.subarray(last - hours))
  if (Number.isNaN(efficiency)) return unavailable(gate, `the price did not move in ${hours} h`)
  if (efficiency >= limit - EDGE) return undefined
  return rejected(gate, `trend efficiency over ${hours} h is ${efficiency.toFixed(3)}, at least ${limit.toFixed(2)}`)
}

/** |last - first| / sum of |steps|: 1 a straight line, near 0 a market that goes nowhere; `NaN` where nothing moved. */
export function trendEfficiency(closes: Float64Array): number {
  let path = 0
  for (let i = 1; i < closes.length; i++) path += Math.abs(closes[i] - closes[i - 1])
  return path > 0 ? Math.abs(closes[closes.length - 1] - closes[0]) / path : Number.NaN
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`
}
