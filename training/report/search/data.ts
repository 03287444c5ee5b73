import type { SearchSignificance } from '../../search/significance.ts'
import type { Assignment, SearchSpace } from '../../search/space.ts'
import type { StudyTrial } from '../../search/study.ts'
import type { Direction } from '../../search/trial.ts'

/** A period as ISO texts, half-open. */
interface Period {
  readonly from: string
  readonly to: string
}

/** What is told of a search: plain data, the same for page and JSON. */
export interface SearchPage {
  readonly name: string
  /** `model` or `wheel`. */
  readonly space: string
  readonly parameters: SearchSpace
  /** What the objective is, in words. */
  readonly objective: string
  readonly direction: Direction
  readonly seed: number
  readonly source: string
  readonly origin: string
  /** Coins evaluated, and coins trained on. */
  readonly coins: readonly string[]
  readonly pool: readonly string[]
  readonly train: Period
  readonly validation: Period
  /** Models that steered the wheel, where they were fitted walk-forward. */
  readonly walkForward?: string
  /** The model that steered the wheel, where it was one of the registry. */
  readonly version?: { readonly kind: string; readonly id: string }
  readonly counts: {
    readonly trials: number
    readonly complete: number
    readonly pruned: number
    readonly failed: number
  }
  readonly best: {
    readonly number: number
    readonly value: number
    /** By name in the configuration. */
    readonly settings: Assignment
    readonly figures: Readonly<Record<string, number>>
  }
  /** Trial 0, where it was what is in force; null where it was not completed. */
  readonly inForce?: { readonly value: number | null }
  /** Where the objective is a Sharpe ratio. */
  readonly significance?: SearchSignificance
  readonly trials: readonly Omit<StudyTrial, 'returns'>[]
  readonly begun: string
  /** Runs that it took. */
  readonly opened: number
  /** Of all trials together. */
  readonly seconds: number
  readonly generated: string
}
