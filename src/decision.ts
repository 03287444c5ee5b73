import type { Contribution, RegimeProbabilities } from './fusion/fuse.ts'
import type { ExitReason } from './ledger/events.ts'
import type { Direction, Scan } from './scanners/scanner.ts'
import type { Reason } from './validation/reason.ts'
import type { Edge } from './wheel/edge.ts'

/**
 * What was done about one coin at one full hour.
 *
 * `none`: nothing to decide (no position, and no scanner has an opinion). `reject`: an opening was considered and turned
 * down. `open`, `close`, `renew`, `hold`: what happened to a position. `wait`: an order is on its way.
 */
export type Action = 'none' | 'reject' | 'open' | 'close' | 'renew' | 'hold' | 'wait'

/** The last bar known at the decision, as it was seen; null where a value is unknown. */
export interface SeenBar {
  readonly openTime: number
  readonly open: number | null
  readonly high: number | null
  readonly low: number | null
  readonly close: number | null
  readonly volume: number | null
  readonly funding: number | null
  readonly openInterest: number | null
}

/** The whole story of one decision, from bars to verdict: what `why` tells. */
export interface Story {
  readonly asOf: number
  readonly coin: string
  readonly action: Action
  /** Of the fused opinion, or of the position. */
  readonly direction: Direction
  readonly conviction: number
  /** Null where no bar was closed at the hour. */
  readonly bar: SeenBar | null
  /** Chop, trend, reversal; null: no estimate. */
  readonly regime: RegimeProbabilities | null
  readonly scans: readonly Scan[]
  readonly contributions: readonly Contribution[]
  /** Expected gain against cost; absent where nothing was weighed. */
  readonly edge?: Edge
  /** Probability that funding turns before it has paid the costs; absent where there is no fit. */
  readonly signFlip?: number
  readonly horizonHours?: number
  /** Of the order that was decided: signed coins, dollars, and what bound the size. */
  readonly size?: { readonly coins: number; readonly dollars: number; readonly boundBy: string }
  /** Why not: every reason, for a rejection. */
  readonly reasons: readonly Reason[]
  readonly exit?: ExitReason
  /** Order that came of it. */
  readonly cloid?: string
  readonly remarks?: readonly string[]
}
