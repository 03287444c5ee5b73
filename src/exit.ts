import { HOUR } from '#data/bars.ts'
import { REGIMES } from '#models/regime.ts'
import type { RegimeProbabilities } from './fusion.ts'
import { isSignal, type Scan } from './scanners/scanner.ts'

/** What was planned when a position was opened. */
export interface Plan {
  readonly direction: 1 | -1
  /** asOf of the decision, and until when the position is meant to be held; later if it is renewed. */
  readonly decidedAt: number
  readonly holdUntil: number
  /** P(trend) when it was opened. */
  readonly trendProbability: number
}

/** Why a position is closed. */
export type ExitReason = 'horizon' | 'hysteresis' | 'opposite signal' | 'regime change' | 'end of period'

const TREND = REGIMES.indexOf('trend')

/**
 * Whether an open position is to be closed now, and the first cause in this order: opposite signal, hysteresis (no
 * scanner that can speak backs the side any more), regime change (trend became more probable than `trendLimit` and was
 * not at the opening), horizon.
 *
 * Scanners that are unavailable do not count against the position, and neither does a missing estimate: what is open
 * runs to its horizon then.
 *
 * @param scans the scanners' answers at `asOf`, asked with the held side.
 */
export function exitReason(
  plan: Plan,
  asOf: number,
  scans: readonly Scan[],
  estimate: RegimeProbabilities | undefined,
  trendLimit: number,
): ExitReason | undefined {
  const signals = scans.filter(isSignal)
  const backed = signals.some((signal) => signal.direction === plan.direction)
  if (signals.length > 0 && !backed) {
    return signals.some((signal) => signal.direction === -plan.direction) ? 'opposite signal' : 'hysteresis'
  }
  const trend = estimate?.[TREND]
  if (trend !== undefined && trend > trendLimit && plan.trendProbability <= trendLimit) return 'regime change'
  // The position is held from the fill, one hour after the decision.
  return asOf >= plan.holdUntil ? 'horizon' : undefined
}

/** The asOf at which to decide the close, so that a position filled an hour after `asOf` is held for `horizonHours`. */
export function holdUntil(asOf: number, horizonHours: number): number {
  return asOf + horizonHours * HOUR
}
