import type { Edge, Entry } from './entry.ts'
import type { ExitReason } from './exit.ts'
import type { Contribution } from './fusion.ts'
import type { Direction, Scan } from './scanners/scanner.ts'
import type { Reason } from './validation.ts'

/** One decision that had something to decide: a coin with a signal, or a position that was closed or renewed. */
export interface Decision {
  readonly asOf: number
  readonly coin: string
  readonly action: 'open' | 'reject' | 'close' | 'renew'
  /** Of the fused opinion, or of the position that is closed. */
  readonly direction: Direction
  readonly conviction: number
  /** Why not, for a rejection: every reason. */
  readonly reasons: readonly Reason[]
  readonly exit?: ExitReason
  readonly edge?: Edge
  readonly horizonHours?: number
  /** The whole story, kept for openings. */
  readonly scans?: readonly Scan[]
  readonly contributions?: readonly Contribution[]
}

/** What was evaluated, and what came of it. */
export interface DecisionLog {
  /** Coin-hours at which a decision was evaluated, with or without a signal. */
  evaluated: number
  readonly decisions: Decision[]
  /** How often each gate spoke against an opening; `gate (unavailable)` where it could not tell. */
  readonly rejections: Record<string, number>
}

export function createDecisionLog(): DecisionLog {
  return { evaluated: 0, decisions: [], rejections: {} }
}

/** Counts every reason and keeps the decision if some scanner had an opinion. */
export function logRejection(
  log: DecisionLog,
  coin: string,
  asOf: number,
  entry: Entry,
  reasons = entry.reasons,
): void {
  for (const { gate, kind } of reasons) {
    const name = kind === 'unavailable' ? `${gate} (unavailable)` : gate
    log.rejections[name] = (log.rejections[name] ?? 0) + 1
  }
  if (!entry.candidate) return
  const { direction, conviction } = entry.fusion
  const edge = entry.edge === undefined ? {} : { edge: entry.edge }
  log.decisions.push({ asOf, coin, action: 'reject', direction, conviction, reasons, ...edge })
}

export function logOpening(
  log: DecisionLog,
  action: 'open' | 'renew',
  coin: string,
  asOf: number,
  entry: Entry,
  scans: readonly Scan[],
): void {
  const { direction, conviction, horizonHours, contributions } = entry.fusion
  const edge = entry.edge === undefined ? {} : { edge: entry.edge }
  const story = action === 'open' ? { scans, contributions } : {}
  log.decisions.push({ asOf, coin, action, direction, conviction, reasons: [], horizonHours, ...edge, ...story })
}

export function logClosing(log: DecisionLog, coin: string, asOf: number, direction: Direction, exit: ExitReason): void {
  log.decisions.push({ asOf, coin, action: 'close', direction, conviction: 0, reasons: [], exit })
}
