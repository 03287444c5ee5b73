import { HOUR } from '#data/bars.ts'
import type { LedgerState } from '../ledger/state.ts'
import { ENGINE, isInForce, newestProtection, PORTFOLIO, type ProtectionRule } from './protection.ts'

// Rounding in a ratio must not decide at the exact edge.
const EDGE = 1e-12

/**
 * Equity that fell by `maxDrawdown` from its peak stops all openings for `drawdownHours` and has everything closed. The
 * peak is the highest full hour since the end of the last such stop: it starts anew then, or the stop would never end.
 */
export const drawdownRule: ProtectionRule = (state, asOf, { drawdownHours, maxDrawdown }) => {
  if (drawdownHours === 0) return []
  const since = peakSince(state)
  const { hours } = state.history
  let peak = Number.NEGATIVE_INFINITY
  let equity = Number.NaN
  for (let i = hours.length - 1; i >= 0 && hours[i].time >= since; i--) {
    if (hours[i].time > asOf) continue
    if (Number.isNaN(equity)) equity = hours[i].equity
    peak = Math.max(peak, hours[i].equity)
  }
  const fall = 1 - equity / peak
  // Without hours there is no fall; a fall of nothing is none, whatever the limit.
  if (!(fall >= maxDrawdown - EDGE && fall > EDGE)) return []
  return [
    {
      kind: 'protection',
      time: asOf,
      protection: 'drawdown',
      scope: PORTFOLIO,
      setBy: ENGINE,
      reason: `equity is ${percent(fall)} below its peak, at most ${percent(maxDrawdown)}`,
      until: asOf + drawdownHours * HOUR,
    },
  ]
}

function peakSince(state: LedgerState): number {
  const last = newestProtection(state, 'drawdown', PORTFOLIO)
  return last === undefined ? Number.NEGATIVE_INFINITY : (last.until ?? Number.POSITIVE_INFINITY)
}

/** Whether a drawdown is in force, so that every open position is to be closed. */
export function mustCloseAll(state: LedgerState, asOf: number): boolean {
  const drawdown = newestProtection(state, 'drawdown', PORTFOLIO)
  return drawdown !== undefined && isInForce(drawdown, asOf)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
