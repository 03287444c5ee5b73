import { createHash } from 'node:crypto'
import type { FeatureTable } from '#data/features.ts'

/**
 * SHA-256, hexadecimal, of what a model is given for the estimate at `row`: the names of its channels, one a line, then
 * the `knots` rows that end there as little-endian float32 `[knots, channels]`, unscaled, NaN where missing.
 */
export function featuresHash(
  table: Pick<FeatureTable, 'channels' | 'values'>,
  row: number,
  { knots, channels }: { readonly knots: number; readonly channels: readonly string[] },
): string {
  const columns = channels.map((channel) => (table.channels as readonly string[]).indexOf(channel))
  const window = new Float32Array(knots * columns.length)
  const first = row - knots + 1
  for (let knot = 0; knot < knots; knot++) {
    for (let c = 0; c < columns.length; c++) {
      const value = table.values[(first + knot) * table.channels.length + columns[c]]
      // One NaN for all: which of its many bit patterns arrived here tells nothing.
      window[knot * columns.length + c] = Number.isNaN(value) ? Number.NaN : value
    }
  }
  return createHash('sha256')
    .update(`${channels.join('\n')}\n`)
    .update(new Uint8Array(window.buffer))
    .digest('hex')
}
