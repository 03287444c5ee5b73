import { InputError } from '#data/errors.ts'
import { type SharpeMoments, sharpeMoments } from './deflated-sharpe.ts'

/** One step of a walk-forward: what had done best so far, and how it went on. */
export interface SelectionStep {
  /** Periods of the block that was lived through with the choice, `[from, to)`. */
  readonly from: number
  readonly to: number
  /** Index of the row that was chosen on the periods before `from`. */
  readonly chosen: number
  /** Sharpe ratio a period, on all periods before the block and in it; `NaN` where returns do not vary. */
  readonly before: number
  readonly within: number
}

/** What choosing by the past would have brought. */
export interface WalkForwardSelection {
  readonly steps: readonly SelectionStep[]
  /** Returns of the choices, one block after the other: none of them had a part in its own choice. */
  readonly returns: readonly number[]
  readonly moments: SharpeMoments
}

/**
 * Walk-forward selection (Pardo, *The Evaluation and Optimization of Trading Strategies*, 2nd edition 2008, chapter 11):
 * the periods are cut into blocks of equal length; before each block but the first, the row with the best Sharpe ratio
 * over everything before it is chosen, and the block is lived through with it. What comes out is free of the luck of the
 * choice, though not of the luck of the space that was searched.
 *
 * @param rows returns of each trial, all of the same periods
 * @returns undefined where no row varies before the second block
 * @throws {InputError} where the rows are of different lengths or too short for the blocks
 */
export function walkForwardSelection(
  rows: readonly (readonly number[])[],
  blocks: number,
): WalkForwardSelection | undefined {
  const periods = rows[0]?.length ?? 0
  if (rows.some((row) => row.length !== periods)) throw new InputError('rows of returns are of different lengths')
  if (blocks < 2 || periods < 2 * blocks) {
    throw new InputError(`${periods} periods cannot be cut into ${blocks} blocks of two and more`, { periods, blocks })
  }
  const steps: SelectionStep[] = []
  const returns: number[] = []
  for (let block = 1; block < blocks; block++) {
    const from = Math.floor((block * periods) / blocks)
    const to = Math.floor(((block + 1) * periods) / blocks)
    const past = rows.map((row) => sharpeMoments(row.slice(0, from)).sharpe)
    const chosen = past.reduce(
      (best, sharpe, row) => (sharpe > (past[best] ?? Number.NEGATIVE_INFINITY) ? row : best),
      -1,
    )
    if (chosen < 0) continue
    const lived = rows[chosen].slice(from, to)
    steps.push({ from, to, chosen, before: past[chosen], within: sharpeMoments(lived).sharpe })
    returns.push(...lived)
  }
  return steps.length === 0 ? undefined : { steps, returns, moments: sharpeMoments(returns) }
}
