import { InputError } from '#data/errors.ts'

/** Centre and scale of each channel, from the training fold; stored in every checkpoint. */
export interface Scaling {
  readonly channels: readonly string[]
  readonly median: readonly number[]
  readonly iqr: readonly number[]
}

/** Quantile `q` of ascending `sorted` by linear interpolation (Hyndman and Fan 1996, type 7). */
function quantile(sorted: Float64Array, q: number): number {
  const position = (sorted.length - 1) * q
  const below = Math.floor(position)
  const above = Math.min(below + 1, sorted.length - 1)
  return sorted[below] + (position - below) * (sorted[above] - sorted[below])
}

/**
 * Median and interquartile range of each channel over all rows, missing values (`NaN`) left out.
 *
 * Where more than half of the values are one number (funding sits at its baseline for hours) the interquartile
 * range can be 0: 1.349 standard deviations, which is the same for a normal variable, then stand in.
 *
 * @param blocks row-major `[rows, channels]` each
 * @throws {InputError} for a channel with no value at all, or with only one value
 */
export function fitScaling(channels: readonly string[], blocks: readonly Float32Array[]): Scaling {
  const width = channels.length
  const median: number[] = []
  const iqr: number[] = []
  const total = blocks.reduce((sum, block) => sum + block.length / width, 0)
  const column = new Float64Array(total)
  channels.forEach((channel, c) => {
    let count = 0
    for (const block of blocks) {
      for (let i = c; i < block.length; i += width) if (!Number.isNaN(block[i])) column[count++] = block[i]
    }
    if (count === 0) throw new InputError(`feature "${channel}" is missing in the whole training set`, { channel })
    const known = column.subarray(0, count).sort()
    median.push(quantile(known, 0.5))
    iqr.push(quantile(known, 0.75) - quantile(known, 0.25) || standardDeviation(known) * 1.349)
    // The values are asked too: rounding can leave a deviation of 1e-16 where all of them are 1.25.
    if (!(iqr[c] > 0) || known[0] === known[count - 1]) {
      throw new InputError(`feature "${channel}" has one value only in the training set`, { channel })
    }
  })
  return { channels, median, iqr }
}

function standardDeviation(values: Float64Array): number {
  let mean = 0
  for (const value of values) mean += value / values.length
  let squares = 0
  for (const value of values) squares += (value - mean) ** 2
  return Math.sqrt(squares / values.length)
}
