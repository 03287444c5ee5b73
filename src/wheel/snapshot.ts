import { type Bars, HOUR, lowerBound } from '#data/bars.ts'
import type { SeenBar } from '../decision.ts'
import type { RegimeProbabilities } from '../fusion/fuse.ts'
import type { Direction, Market, Scan, Scanner } from '../scanners/scanner.ts'
import type { Listing } from '../venue/venue.ts'

/** The world as the wheel sees it at one full hour. Rows after it may be there and are not looked at. */
export interface Snapshot {
  readonly listings: ReadonlyMap<string, Listing>
  readonly market: Market
  /** Regime probabilities of a coin at the hour; undefined is *no estimates*. */
  readonly estimate: (coin: string, asOf: number) => RegimeProbabilities | undefined
  /** What serves, `kind id` or `none`, and one sentence for each step down. */
  readonly model: string
  readonly degraded: readonly string[]
}

/** Row of the bar that ended at `asOf`; -1 where no bar was closed then. */
export function rowKnownAt(bars: Bars, asOf: number): number {
  const row = lowerBound(bars.openTime, asOf - HOUR)
  return bars.openTime[row] === asOf - HOUR ? row : -1
}

/** The bar that ended at `asOf`, as a story tells it. */
export function seenBar(bars: Bars, asOf: number): SeenBar | null {
  const row = rowKnownAt(bars, asOf)
  if (row < 0) return null
  const value = (column: Float64Array) => (Number.isNaN(column[row]) ? null : column[row])
  return {
    openTime: bars.openTime[row],
    open: value(bars.open),
    high: value(bars.high),
    low: value(bars.low),
    close: value(bars.close),
    volume: value(bars.volume),
    funding: value(bars.funding),
    openInterest: value(bars.openInterest),
  }
}

/** Answers of all scanners; the same question is asked once while it is remembered. */
export interface ScanBook {
  readonly sources: readonly string[]
  /** @param held side of an open position; those answers are not remembered. */
  scans(bars: Bars, asOf: number, market: Market, held?: Direction): readonly Scan[]
}

/**
 * Remembers what the scanners said on each coin for `keepHours`, so that the wheel, its lessons and its variants do not
 * compute it again. Scanners depend on their arguments only, so this changes the speed and not the answers.
 */
export function createScanBook(scanners: readonly Scanner[], keepHours: number): ScanBook {
  const memory = new Map<number, Map<Bars, readonly Scan[]>>()
  const ask = (bars: Bars, asOf: number, market: Market, held?: Direction) =>
    scanners.map((scanner) => scanner.scan(bars, asOf, held, market))
  return {
    sources: scanners.map((scanner) => scanner.source),
    scans(bars, asOf, market, held) {
      if (held !== undefined && held !== 0) return ask(bars, asOf, market, held)
      let hour = memory.get(asOf)
      if (hour === undefined) {
        hour = new Map()
        memory.set(asOf, hour)
        // Insertion order is the order of asking; what is older than the newest question by more than this is let go.
        for (const time of memory.keys()) if (time < asOf - keepHours * HOUR) memory.delete(time)
      }
      let answers = hour.get(bars)
      if (answers === undefined) {
        answers = ask(bars, asOf, market)
        hour.set(bars, answers)
      }
      return answers
    },
  }
}
