import type { HourlySequence } from './expectation.ts'

/** Rows of a block: long enough for the chain to show, short enough to spread over all seasons of a market. */
const BLOCK_ROWS = 250

/** Consecutive hours of a longer sequence, as a view on its memory. */
export interface Run extends HourlySequence {
  /** Row of the longer sequence at which the run begins. */
  readonly start: number
}

/**
 * Splits a sequence wherever an hour is absent: the chain restarts there. Rows before the first and after the last
 * observed value of a run say nothing and are left out.
 *
 * @param values `[rows, D]`, `NaN` where missing
 * @param hours one per row
 */
export function hourlyRuns(values: Float64Array, hours: ArrayLike<number>, dimensions: number): Run[] {
  const runs: Run[] = []
  const known = (row: number) => {
    for (let d = 0; d < dimensions; d++) if (!Number.isNaN(values[row * dimensions + d])) return true
    return false
  }
  let start = 0
  for (let row = 1; row <= hours.length; row++) {
    if (row < hours.length && hours[row] - hours[row - 1] === 1) continue
    let end = row
    while (start < end && !known(start)) start++
    while (end > start && !known(end - 1)) end--
    if (end > start) {
      runs.push({ start, rows: end - start, values: values.subarray(start * dimensions, end * dimensions) })
    }
    start = row
  }
  return runs
}

/**
 * At most about `limit` rows of one coin's runs: all of them where they are fewer, otherwise blocks of consecutive
 * hours at even distances.
 */
export function trainingBlocks(runs: readonly Run[], limit: number): Run[] {
  const total = runs.reduce((sum, run) => sum + run.rows, 0)
  if (total <= limit) return [...runs]
  const blocks: Run[] = []
  // Rows that are due so far: what a short run could not give, the next one does.
  let due = 0
  for (const run of runs) {
    const dimensions = run.values.length / run.rows
    const rows = Math.min(BLOCK_ROWS, limit, run.rows)
    due += (limit * run.rows) / total
    // Never more than it takes to cover the run: a short one must not be learned from many times over.
    const count = Math.min(Math.round(due / rows), Math.ceil(run.rows / rows))
    due -= count * rows
    const distance = count > 1 ? (run.rows - rows) / (count - 1) : 0
    for (let b = 0; b < count; b++) {
      const offset = Math.round(count > 1 ? b * distance : run.rows - rows)
      blocks.push({
        start: run.start + offset,
        rows,
        values: run.values.subarray(offset * dimensions, (offset + rows) * dimensions),
      })
    }
  }
  return blocks
}
