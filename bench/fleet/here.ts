import type { FeatureTable } from '#data/features.ts'
import { buildWindows } from '#data/windows.ts'
import type { RegimeModel } from '#models/regime.ts'

/** Estimates the last `rows` windows of each table, `coins` tables at a time. @returns seconds */
export async function estimateHere(
  model: RegimeModel,
  tables: readonly FeatureTable[],
  rows: number,
  coins: number,
): Promise<number> {
  const started = performance.now()
  for (let i = 0; i < tables.length; i += coins) {
    const ends = tables.slice(i, i + coins).flatMap((table) => {
      const last = table.asOf.length
      return Array.from({ length: rows }, (_, row) => ({ table, row: last - rows + row }))
    })
    await model.estimate(buildWindows(ends, model.knots, model.channels))
  }
  return (performance.now() - started) / 1000
}
