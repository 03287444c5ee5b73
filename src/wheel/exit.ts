import { REGIMES } from '#models/regime.ts'
import type { RegimeProbabilities } from '../fusion/fuse.ts'
import type { ExitReason, Plan } from '../ledger/events.ts'
import { isSignal, type Scan } from '../scanners/scanner.ts'

const TREND = REGIMES.indexOf('trend')

/**
 * Whether an open position is to be closed now, and the first cause in this order: opposite signal, hysteresis (no
 * scanner that can speak backs the side any more), regime change (trend became more probable than `trendLimit` and was
 * not at the opening), horizon.
 *
 * Scanners that are unavailable do not count against the position, and neither does a missing estimate: what is open
 * runs to its horizon then.
 *
 * @param scans the answers of the scanners that opened it, asked with the held side at `asOf`.
 * @param estimate undefined where there is none, or where regimes are not to be looked at.
 */
export function exitReason(
  plan: Pick<Plan, 'direction' | 'holdUntil' | 'trendProbability'>,
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
  return asOf >= plan.holdUntil ? 'horizon' : undefined
}

/** P(trend) of an estimate; 0 without one: what counts is that it was not above the limit when the position was opened. */
export function trendProbability(estimate: RegimeProbabilities | undefined): number {
  return estimate?.[TREND] ?? 0
}
