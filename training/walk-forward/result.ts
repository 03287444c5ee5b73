import type { Verdict } from '../verdict.ts'
import type { Aim } from './aims.ts'
import type { Field } from './contestants.ts'
import type { Difference, Side } from './differences.ts'
import type { FieldChoice } from './field-choice.ts'
import type { FitTask } from './fit.ts'
import type { Fold } from './folds.ts'
import type { ForecastScore } from './forecast.ts'
import type { ForwardMeaning } from './forward-meaning.ts'
import type { Novelty } from './novelty-check.ts'
import type { LostKnotsScore, UntrainedCoin } from './robustness.ts'
import type { CoinWinner, ContestantSummary, LabelSummary } from './summarise.ts'

/** What a walk-forward evaluation found out: plain data, ready for JSON. Times are UTC milliseconds. */
export interface WalkForward {
  readonly folds: readonly FoldSummary[]
  /** Folds that were asked for; there are fewer where the data were too short. */
  readonly foldsAsked: number
  readonly seeds: readonly number[]
  readonly labelReachHours: number
  readonly labels: LabelSummary
  /** By contestant, and `chosen`: the neural CDE with the field that validation chose for each fold. */
  readonly contestants: Readonly<Record<Side, ContestantSummary>>
  readonly fieldChoice: readonly FieldChoice[]
  readonly winners: Readonly<Record<string, CoinWinner>>
  readonly differences: readonly Difference[]
  readonly forecast: { readonly note: string; readonly trained: readonly ForecastScore[] }
  readonly forward: readonly ForwardMeaning[]
  readonly robustness: {
    readonly lostShares: readonly number[]
    readonly lostKnots: readonly LostKnotsScore[]
    readonly untrainedCoins: readonly UntrainedCoin[]
    /** Absent where the field that was chosen could not be fitted. */
    readonly novelty?: { readonly field: Field; readonly checks: readonly Novelty[] }
  }
  readonly verdict: Verdict & { readonly field: Field }
  /** On the eight core coins only. */
  readonly aims?: readonly Aim[]
  readonly fits: { readonly done: number; readonly fromCache: number; readonly failed: readonly FailedFit[] }
}

/** One fold as it is shown. */
export interface FoldSummary extends Pick<Fold, 'fold' | 'train' | 'validation' | 'test' | 'embargoHours'> {
  /** Labelled hours: training of all coins, validation and test of the coins evaluated. */
  readonly hours: { readonly train: number; readonly validation: number; readonly test: number }
  /** Class shares of the training part. */
  readonly frequencies: readonly number[]
}

/** A fit that came to nothing. */
export interface FailedFit extends Pick<FitTask, 'contestant' | 'seed' | 'target' | 'without'> {
  readonly fold: number
  readonly reason: string
}
