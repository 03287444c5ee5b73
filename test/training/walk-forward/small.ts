import type { FitData } from '#training/walk-forward/fit.ts'
import { type Fold, walkForwardFolds } from '#training/walk-forward/folds.ts'
import { EvaluationOptions } from '#training/walk-forward/options.ts'
import { prepared, TINY } from '../simulated.ts'

/** The smallest evaluation that is still one. */
export const SMALL = EvaluationOptions.parse({
  folds: 2,
  seeds: 2,
  yardstickSeeds: 1,
  threads: 1,
  resamples: 200,
  shuffles: 99,
})

/** A simulated market of six weeks with its folds. */
export async function smallMarket(): Promise<{ data: FitData; folds: Fold[] }> {
  const { markets, coins, label, range } = await prepared()
  const folds = walkForwardFolds(range, label.halfWidth, { folds: SMALL.folds, embargoHours: SMALL.embargoHours })
  return { data: { markets, coins, label, options: TINY }, folds }
}
