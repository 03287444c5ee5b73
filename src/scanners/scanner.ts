import type { Bars } from '#data/bars.ts'
import type { FlowSeries } from '#data/trades.ts'

export type { FlowSeries }

/** 1 long, -1 short, 0 no opinion. */
export type Direction = -1 | 0 | 1

/** Whether a scanner bets on a return to normal or on more of the same: the regime scales the two differently. */
export type Style = 'contrarian' | 'momentum'

/** What a scanner expects over the horizon for a position in its direction, as fractions of notional, before costs. */
export interface Expectation {
  /** Funding received (negative: paid). */
  readonly funding: number
  /** Price gain from the reversion. */
  readonly reversion: number
}

/** A scanner's opinion on one coin at one time. */
export interface Signal {
  readonly coin: string
  readonly asOf: number
  /** Name of the scanner. */
  readonly source: string
  readonly style: Style
  readonly direction: Direction
  /** Between 0 and 1; 0 where the direction is 0. */
  readonly strength: number
  /** How long a position on this opinion is meant to be held; 0 where the direction is 0. */
  readonly horizonHours: number
  /** Present where there is a direction and the scanner can say. */
  readonly expected?: Expectation
  /** The numbers behind the opinion, for `why` and the report. */
  readonly evidence: Readonly<Record<string, number | string>>
  /** Set, with the reason, where the scanner stepped down to a simpler method. */
  readonly degraded?: string
}

/** A scanner that cannot have an opinion says why; this is never read as "no signal". */
export interface Unavailable {
  readonly coin: string
  readonly asOf: number
  readonly source: string
  readonly unavailable: string
}

export type Scan = Signal | Unavailable

/** What a scanner may look at beside its own coin. */
export interface Market {
  /** History of every coin of the universe, the scanned one included. */
  readonly bars: readonly Bars[]
  /** Signed volume of each hour from the venue's trades, by coin, where they were streamed. */
  readonly flows?: ReadonlyMap<string, FlowSeries>
}

/**
 * Turns the bars known at a time into an opinion.
 *
 * Made by a function of its options; every scanner passes `test/src/scanners/conformance.ts`: causal, deterministic
 * (the answer depends on the arguments only, never on earlier calls), bounded, and it explains itself in `evidence`.
 */
export interface Scanner {
  readonly source: string
  readonly style: Style
  /**
   * @param bars history of one coin; bars not known at `asOf` are not looked at.
   * @param held side of the position that is open: the scanner backs it down to a lower threshold
   *   than it takes to open one (hysteresis), and then says nothing on new positions.
   * @param market the universe; a scanner that compares coins is unavailable without it.
   */
  scan(bars: Bars, asOf: number, held?: Direction, market?: Market): Scan
}

/** Narrows a scan to a signal. */
export function isSignal(scan: Scan): scan is Signal {
  return !('unavailable' in scan)
}
