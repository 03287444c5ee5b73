import type { HourEvent } from '../ledger/events.ts'
import type { Missing } from './figure.ts'

/** How far paper trading went from a backtest over the same hours. */
export interface BacktestDistance {
  /** Largest difference of what both had earned by any hour, fraction of capital. */
  readonly greatest: number
  /** End of the hour in which it was, UTC milliseconds. */
  readonly at: number
  /** What paper had earned at the end less what the backtest had, micro-dollars. */
  readonly difference: number
  readonly hours: number
}

type Told = Pick<HourEvent, 'time' | 'equity'>

/**
 * Compares what paper and a backtest earned from paper's first hour on: equity that either had before counts for neither.
 *
 * @param paper,backtest told hours, ascending; the backtest's may begin earlier and end later
 * @param capital micro-dollars that differences are measured by: paper's equity at its first hour if absent
 * @returns unavailable where the backtest has not lived through every hour of paper: hours that it leaves out could hide
 *   any difference
 */
export function distanceToBacktest(
  paper: readonly Told[],
  backtest: readonly Told[],
  capital = paper[0]?.equity,
): BacktestDistance | Missing {
  if (paper.length < 2) return { unavailable: `paper has told ${paper.length} hours, 2 are needed` }
  if (!(capital > 0)) return { unavailable: 'there was no capital to measure by' }
  const equityAt = new Map(backtest.map(({ time, equity }) => [time, equity]))
  const absent = paper.filter(({ time }) => !equityAt.has(time))
  if (absent.length > 0) {
    const first = new Date(absent[0].time).toISOString()
    return { unavailable: `the backtest lacks ${absent.length} of ${paper.length} hours of paper, first ${first}` }
  }
  const offset = paper[0].equity - equityAt.get(paper[0].time)!
  let greatest = 0
  let at = paper[0].time
  let difference = 0
  for (const { time, equity } of paper) {
    difference = equity - equityAt.get(time)! - offset
    if (Math.abs(difference) / capital > greatest) {
      greatest = Math.abs(difference) / capital
      at = time
    }
  }
  return { greatest, at, difference, hours: paper.length }
}
