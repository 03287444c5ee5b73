import type { Assignment } from './space.ts'

/** Which values of the objective are better. */
export type Direction = 'minimise' | 'maximise'

/**
 * How a trial stands: `pruned` was ended early (or has nothing to be judged by) and ranks behind all complete ones;
 * `failed` has no answer, and the search goes on as if it had not been.
 */
export type TrialState = 'running' | 'complete' | 'pruned' | 'failed'

/** One try of the search. */
export interface Trial {
  /** From 0, in the order in which they were begun. */
  readonly number: number
  readonly state: TrialState
  readonly parameters: Assignment
  /** The objective; absent unless complete. */
  readonly value?: number
  /** What it was after each step (epoch), from the first on; empty where there are no steps. */
  readonly curve: readonly number[]
}

/** The objective with the lower the better. */
export function asLoss(direction: Direction, value: number): number {
  return direction === 'minimise' ? value : -value
}

/** The complete trial with the best objective, the first of equals; undefined where none is complete. */
export function bestTrial<T extends Trial>(trials: readonly T[], direction: Direction): T | undefined {
  let best: T | undefined
  for (const trial of trials) {
    if (trial.state !== 'complete' || trial.value === undefined) continue
    if (best?.value === undefined || asLoss(direction, trial.value) < asLoss(direction, best.value)) best = trial
  }
  return best
}
