import { HOUR } from '#data/bars.ts'
import type { Feature, FeatureTable } from '#data/features.ts'
import { createRandom } from '#data/random.ts'

/** First asOf of {@link makeTable}. */
export const START = Date.UTC(2025, 0, 1)

/** A table with `rows` hourly rows; sigma is unknown in the first `warmUp`, one value in ten is missing. */
export function makeTable(
  coin: string,
  rows: number,
  seed: number,
  warmUp = 3,
  channels: readonly Feature[] = ['return', 'funding'],
): FeatureTable {
  const random = createRandom(seed)
  const values = new Float32Array(rows * channels.length)
  for (let i = 0; i < values.length; i++) values[i] = random.uniform() < 0.1 ? Number.NaN : random.normal()
  const asOf = Float64Array.from({ length: rows }, (_, row) => START + row * HOUR)
  const sigma = Float64Array.from({ length: rows }, (_, row) => (row < warmUp ? Number.NaN : 0.01))
  return { coin, channels, asOf, values, sigma }
}
