import { type DeflatedSharpe, deflatedSharpe, sharpeMoments } from '#statistics/deflated-sharpe.ts'
import { backtestOverfitting } from '#statistics/overfitting.ts'
import { type SelectionStep, walkForwardSelection } from '#statistics/walk-forward-selection.ts'
import type { StudyTrial } from './study.ts'

/** How much of a search's best Sharpe ratio its number of trials explains. */
export interface SearchSignificance {
  /** Sharpe ratios in it are per period (an hour). */
  readonly deflatedSharpe: DeflatedSharpe
  /** Absent where there are too few trials or periods to cut into blocks. */
  readonly overfitting?: {
    /** Share of splits in which the trial that was best on one half was no better than the median on the other. */
    readonly probability: number
    readonly probabilityOfLoss: number
    readonly splits: number
    readonly trials: number
    readonly periods: number
  }
  /** What choosing the best trial so far would have brought, block after block; Sharpe ratios per period. */
  readonly selection?: {
    readonly sharpe: number
    readonly steps: readonly SelectionStep[]
  }
}

const BLOCKS = 16
/** Blocks of a walk-forward: the first is only learned from. */
const SELECTION_BLOCKS = 6

/**
 * Deflated Sharpe ratio of the best trial, allowing for every trial that was begun, and the probability of backtest
 * overfitting over those that have returns (trials that never traded earned nothing in every period).
 *
 * @returns undefined where the best has no returns
 */
export function searchSignificance(best: StudyTrial, trials: readonly StudyTrial[]): SearchSignificance | undefined {
  if (!best.returns) return undefined
  const withReturns = trials.flatMap(({ returns }) => (returns ? [returns] : []))
  const sharpes = withReturns.map((returns) => sharpeMoments(returns).sharpe)
  const periods = best.returns.length
  const enough = withReturns.length >= 2 && periods >= 2 * BLOCKS
  return {
    deflatedSharpe: deflatedSharpe(sharpeMoments(best.returns), sharpes, trials.length),
    ...(enough && { overfitting: overfittingOf(withReturns, periods), ...selectionOf(trials) }),
  }
}

function overfittingOf(rows: readonly (readonly number[])[], periods: number) {
  const returns = new Float64Array(rows.length * periods)
  for (const [t, row] of rows.entries()) returns.set(row, t * periods)
  const found = backtestOverfitting({ returns, trials: rows.length, blocks: BLOCKS })
  const { probability, probabilityOfLoss, splits } = found
  return { probability, probabilityOfLoss, splits, trials: rows.length, periods: found.periods }
}

function selectionOf(trials: readonly StudyTrial[]): Pick<SearchSignificance, 'selection'> {
  const told = trials.flatMap(({ number, returns }) => (returns ? [{ number, returns }] : []))
  const found = walkForwardSelection(
    told.map(({ returns }) => returns),
    SELECTION_BLOCKS,
  )
  if (found === undefined) return {}
  const steps = found.steps.map((step) => ({ ...step, chosen: told[step.chosen].number }))
  return { selection: { sharpe: found.moments.sharpe, steps } }
}
