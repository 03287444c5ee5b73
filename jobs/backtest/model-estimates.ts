import type { TimeRange } from '#data/bars.ts'
import { type WindowEnd, windowRows } from '#data/windows.ts'
import { REGIMES, type RegimeModel } from '#models/regime.ts'
import type { EstimateSeries } from '#src/estimates.ts'
import type { Market } from '#training/dataset.ts'
import { predict } from '#training/evaluate-models.ts'

/**
 * What a model says about one coin at every hour of `range` that has a whole window, labelled or not.
 *
 * @param range asOf, half-open
 */
export async function estimateHours(
  model: RegimeModel,
  { features }: Pick<Market, 'features'>,
  range: TimeRange,
): Promise<EstimateSeries> {
  const ends: WindowEnd[] = []
  for (const row of windowRows(features, model.knots)) {
    if (features.asOf[row] >= range.from && features.asOf[row] < range.to) ends.push({ table: features, row })
  }
  return {
    asOf: Float64Array.from(ends, ({ row }) => features.asOf[row]),
    probabilities: await predict(model, ends),
  }
}

/** Series of one coin that follow each other, as one. */
export function joinSeries(parts: readonly EstimateSeries[]): EstimateSeries {
  const rows = parts.reduce((sum, { asOf }) => sum + asOf.length, 0)
  const joined = { asOf: new Float64Array(rows), probabilities: new Float32Array(rows * REGIMES.length) }
  let row = 0
  for (const { asOf, probabilities } of parts) {
    joined.asOf.set(asOf, row)
    joined.probabilities.set(probabilities, row * REGIMES.length)
    row += asOf.length
  }
  return joined
}
