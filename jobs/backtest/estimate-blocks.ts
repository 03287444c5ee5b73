import { ceilToHour, HOUR, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { hourText } from '#data/providers/series.ts'
import type { Fold } from '#training/walk-forward/folds.ts'

/** How a backtest's range is cut. */
export interface EstimateBlockOptions {
  /** Hours that a label reaches to either side. */
  readonly halfWidth: number
  readonly everyDays: number
  /** Days of hours with features that must lie before the first block. */
  readonly historyDays: number
  readonly embargoHours: number
}

const DAY = 24 * HOUR
/** As in `training/walk-forward/folds.ts`: a tenth validates, and at most an eighth is spent on the embargo. */
const VALIDATION_SHARE = 0.1
const LARGEST_EMBARGO_SHARE = 1 / 8

/**
 * Cuts `wanted` into blocks, each with what a model that answers it may be fitted to: training and validation end an
 * embargo before the block begins, as in an evaluation (`training/walk-forward/folds.ts`).
 *
 * The first block begins where `wanted` does, or later where less than `historyDays` lie before it. Every block is
 * `everyDays` long, the last one too, which may reach past `wanted`: a backtest that is asked for again a day later has
 * the same blocks.
 *
 * @param usable asOf of the hours that have features, half-open
 * @param wanted asOf of the hours to be answered, half-open
 * @throws {InputError} where no block begins within `wanted`
 */
export function estimateBlocks(usable: TimeRange, wanted: TimeRange, options: EstimateBlockOptions): Fold[] {
  const { halfWidth, everyDays, historyDays, embargoHours } = options
  const first = Math.max(ceilToHour(wanted.from), ceilToHour(usable.from + historyDays * DAY))
  if (!(first < wanted.to)) {
    throw new InputError(
      `no room for a walk-forward: hours with features begin at ${hourText(usable.from)}, the first model needs ` +
        `${historyDays} days of them and the backtest ends at ${hourText(wanted.to)}: begin with earlier bars`,
      { usable, wanted, historyDays },
    )
  }
  const blocks: Fold[] = []
  for (let start = first; start < wanted.to; start += everyDays * DAY) {
    const history = (start - usable.from) / HOUR
    const embargo = Math.max(2 * halfWidth, Math.min(embargoHours, Math.floor(history * LARGEST_EMBARGO_SHARE)))
    const fitted = history - embargo
    const validation = Math.max(Math.round(VALIDATION_SHARE * fitted), 4 * halfWidth)
    const to = start - embargo * HOUR
    blocks.push({
      fold: blocks.length + 1,
      embargoHours: embargo,
      purgeHours: halfWidth,
      train: { from: usable.from, to: to - validation * HOUR },
      validation: { from: to - validation * HOUR, to },
      test: { from: start, to: start + everyDays * DAY },
    })
  }
  return blocks
}
