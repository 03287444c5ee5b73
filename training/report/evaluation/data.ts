import type { WalkForward } from '../../walk-forward/result.ts'

/** What the page on a walk-forward evaluation is made of; times are UTC milliseconds. */
export interface EvaluationReportData {
  readonly generatedAt: number
  readonly source: string
  readonly origin: string
  /** Coins evaluated. */
  readonly coins: readonly string[]
  /** Coins trained on. */
  readonly pool: readonly string[]
  readonly range: { readonly from: number; readonly to: number }
  readonly seed: number
  readonly walkForward: WalkForward
}
