import { lowerBound } from '#data/bars.ts'
import { type WindowEnd, windowRows } from '#data/windows.ts'
import type { Serving } from '#models/serving.ts'
import type { RegimeProbabilities } from '#src/fusion/fuse.ts'
import type { Market } from '#training/dataset.ts'
import { predict } from '#training/evaluate-models.ts'

/**
 * What serves says about every coin at one hour, in one batch. Coins whose window is not whole are left out: they have
 * no estimate.
 */
export async function estimatesAt(
  { model }: Serving,
  markets: readonly Market[],
  asOf: number,
): Promise<Map<string, RegimeProbabilities>> {
  const found = new Map<string, RegimeProbabilities>()
  if (model === undefined) return found
  const ends = markets.flatMap(({ features }): WindowEnd[] => {
    const row = lowerBound(features.asOf, asOf)
    if (features.asOf[row] !== asOf) return []
    return windowRows(features, model.knots).includes(row) ? [{ table: features, row }] : []
  })
  if (ends.length === 0) return found
  const probabilities = await predict(model, ends)
  for (const [i, { table }] of ends.entries()) {
    const [chop, trend, reversal] = probabilities.subarray(3 * i, 3 * i + 3)
    if (!Number.isNaN(chop)) found.set(table.coin, [chop, trend, reversal])
  }
  return found
}
