import { asLoss, type Direction, type Trial } from './trial.ts'

export interface PruningOptions {
  /** Complete trials before which nothing is pruned. */
  readonly startupTrials: number
  /** Steps of each trial that are never pruned. */
  readonly warmUpSteps: number
}

const DEFAULTS: PruningOptions = { startupTrials: 5, warmUpSteps: 0 }

/**
 * What the best of a trial so far must not be worse than, step by step: the median of the complete trials at that step
 * (Golovin et al. 2017, "Google Vizier", section 3.3.2; Optuna's `MedianPruner`). It can travel with a trial to
 * whoever runs it.
 *
 * @returns one entry for each of `steps` steps; null where nothing is to be pruned
 */
export function pruningBars(
  trials: readonly Trial[],
  steps: number,
  options: Partial<PruningOptions> = {},
): (number | null)[] {
  const { startupTrials, warmUpSteps } = { ...DEFAULTS, ...options }
  const complete = trials.filter(({ state }) => state === 'complete')
  return Array.from({ length: steps }, (_, index) => {
    if (complete.length < startupTrials || index + 1 < warmUpSteps) return null
    return median(complete.flatMap(({ curve }) => (index < curve.length ? [curve[index]] : [])))
  })
}

/** Whether a trial with this curve so far is to be ended now. */
export function isHopeless(curve: readonly number[], bars: readonly (number | null)[], direction: Direction): boolean {
  const bar = bars[curve.length - 1] ?? null
  if (bar === null) return false
  const losses = curve.filter((value) => !Number.isNaN(value)).map((value) => asLoss(direction, value))
  return losses.length === 0 || Math.min(...losses) > asLoss(direction, bar)
}

function median(values: readonly number[]): number | null {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  if (sorted.length === 0) return null
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
}
