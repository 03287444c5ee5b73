import type { Story } from './decision.ts'
import { isSignal } from './scanners/scanner.ts'

/** How often each gate spoke against an opening, and how often a scanner had stepped down. */
export interface DecisionTally {
  /** Decisions that were evaluated: one per coin and hour. */
  evaluated: number
  /** By gate; `gate (unavailable)` where it could not tell. */
  readonly rejections: Record<string, number>
  /** The same by month, `YYYY-MM`. */
  readonly byMonth: Record<string, Record<string, number>>
  /** Coin-hours in which a scanner worked with a simpler method, and how often that began, by source. */
  readonly degraded: Record<string, { hours: number; switches: number }>
  /** Coins that are stepped down now, by source. */
  readonly now: Map<string, Set<string>>
}

export function createTally(): DecisionTally {
  return { evaluated: 0, rejections: {}, byMonth: {}, degraded: {}, now: new Map() }
}

/** Counts every reason of every story of an hour. */
export function countStories(tally: DecisionTally, stories: readonly Story[]): void {
  if (stories.length === 0) return
  const month = new Date(stories[0].asOf).toISOString().slice(0, 7)
  tally.byMonth[month] ??= {}
  const ofMonth = tally.byMonth[month]
  for (const { coin, reasons, scans } of stories) {
    tally.evaluated++
    for (const { gate, kind } of reasons) {
      const name = kind === 'unavailable' ? `${gate} (unavailable)` : gate
      tally.rejections[name] = (tally.rejections[name] ?? 0) + 1
      ofMonth[name] = (ofMonth[name] ?? 0) + 1
    }
    for (const scan of scans) {
      if (!isSignal(scan)) continue
      let coins = tally.now.get(scan.source)
      if (coins === undefined) {
        coins = new Set()
        tally.now.set(scan.source, coins)
      }
      if (scan.degraded === undefined) {
        coins.delete(coin)
        continue
      }
      tally.degraded[scan.source] ??= { hours: 0, switches: 0 }
      const count = tally.degraded[scan.source]
      count.hours++
      if (!coins.has(coin)) count.switches++
      coins.add(coin)
    }
  }
}
