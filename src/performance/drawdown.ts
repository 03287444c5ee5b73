import { HOUR } from '#data/bars.ts'
import type { EquityCurve } from './returns.ts'

/** How far and how long equity was below its peak; money paid in counts neither as loss nor as gain. */
export interface Drawdown {
  /** Deepest fall below a peak before it, fraction of the peak; 0: never below. */
  readonly depth: number
  /** When the deepest fall was reached; undefined where there was none. UTC milliseconds. */
  readonly deepestAt: number | undefined
  /** Hours of the longest time from a peak until equity was back there, or until the end. */
  readonly longestHours: number
  /** Where the end is below the peak: by how much, and since how many hours. */
  readonly underWater: { readonly depth: number; readonly hours: number } | undefined
}

/**
 * Drawdowns of an equity curve, its opening counted as the first peak.
 *
 * @param curve hours that were not told lie within the drawdown that they interrupt
 */
export function drawdownOf({ time, growth }: EquityCurve): Drawdown {
  let peak = 1
  let peakAt = time.length > 0 ? time[0] - HOUR : Number.NaN
  let depth = 0
  let deepestAt: number | undefined
  let longest = 0
  let below = false
  for (let i = 0; i < time.length; i++) {
    // The hour in which equity is back still belongs to the time that it took.
    if (below) longest = Math.max(longest, time[i] - peakAt)
    if (growth[i] >= peak) {
      peak = growth[i]
      peakAt = time[i]
      below = false
      continue
    }
    below = true
    longest = Math.max(longest, time[i] - peakAt)
    const fall = 1 - growth[i] / peak
    if (fall > depth) {
      depth = fall
      deepestAt = time[i]
    }
  }
  const last = time.length - 1
  return {
    depth,
    deepestAt,
    longestHours: longest / HOUR,
    underWater: below ? { depth: 1 - growth[last] / peak, hours: (time[last] - peakAt) / HOUR } : undefined,
  }
}
