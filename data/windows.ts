import { HOUR } from './bars.ts'
import { InputError } from './errors.ts'
import { type FeatureTable, SUMMED_FEATURE } from './features.ts'

/**
 * A batch of feature windows: the last `knots` rows of a coin's feature table, unscaled.
 * This is what a regime model takes, in TypeScript and in ONNX alike.
 */
export interface Windows {
  readonly count: number
  readonly knots: number
  readonly channels: readonly string[]
  /** Row-major `[count, knots, channels]`; 0 where masked. */
  readonly features: Float32Array
  /** `[count, knots]`: hours since the window's first knot (uneven where bars are absent). */
  readonly hours: Float32Array
  /** `[count, knots, channels]`: 1 observed, 0 missing. */
  readonly mask: Float32Array
  /** `[count]` */
  readonly coin: readonly string[]
  /** `[count]`: the moment of the last knot. */
  readonly asOf: Float64Array
}

/**
 * Which bars before the last one are knots: bars back, oldest first, ending with 0. A number stands for that many
 * consecutive bars. Knots that lie closer together towards the present see a week with the cost of a day.
 */
export type Knots = number | readonly number[]

/** Bars back of each knot, oldest first. */
export function knotLags(knots: Knots): readonly number[] {
  return typeof knots === 'number' ? Array.from({ length: knots }, (_, i) => knots - 1 - i) : knots
}

/** A window may span at most this many times the hours it would without gaps: beyond it the past is another market. */
const LONGEST_SPAN = 2

/** One place in a table at which a window ends. */
export interface WindowEnd {
  readonly table: FeatureTable
  readonly row: number
}

/**
 * Rows of `table` at which a window may end: past the warm-up from the first knot on, and not stretched over too
 * long a gap.
 */
export function windowRows(table: FeatureTable, knots: Knots): Uint32Array {
  const rows: number[] = []
  const reach = knotLags(knots)[0]
  const longest = LONGEST_SPAN * reach * HOUR
  for (let row = reach; row < table.asOf.length; row++) {
    const first = row - reach
    if (Number.isNaN(table.sigma[first]) || Number.isNaN(table.sigma[row])) continue
    if (table.asOf[row] - table.asOf[first] <= longest) rows.push(row)
  }
  return Uint32Array.from(rows)
}

/**
 * Cuts the windows that end at `ends` out of their tables.
 *
 * Features are read at the knots, but for the hourly return: its running sum is on the control path, so a knot carries
 * the sum of the returns since the knot before it (missing if one of them is).
 *
 * @throws {InputError} where a table lacks a channel or has too few rows up to the end asked for
 */
export function buildWindows(ends: readonly WindowEnd[], knots: Knots, channels: readonly string[]): Windows {
  const lags = knotLags(knots)
  const count = lags.length
  const width = channels.length
  const features = new Float32Array(ends.length * count * width)
  const mask = new Float32Array(features.length)
  const hours = new Float32Array(ends.length * count)
  const asOf = new Float64Array(ends.length)
  const coin: string[] = []
  const columnsOf = new Map<FeatureTable, readonly number[]>()
  const summed = channels.indexOf(SUMMED_FEATURE)

  for (let n = 0; n < ends.length; n++) {
    const { table, row } = ends[n]
    const first = row - lags[0]
    if (first < 0 || row >= table.asOf.length) {
      throw new InputError(`${table.coin}: no window of ${lags[0] + 1} bars ends at row ${row} of ${table.asOf.length}`)
    }
    let columns = columnsOf.get(table)
    if (!columns) {
      columns = channelColumns(table, channels)
      columnsOf.set(table, columns)
    }
    asOf[n] = table.asOf[row]
    coin.push(table.coin)
    let target = n * count * width
    for (let knot = 0; knot < count; knot++) {
      const at = row - lags[knot]
      hours[n * count + knot] = (table.asOf[at] - table.asOf[first]) / HOUR
      for (let c = 0; c < width; c++, target++) {
        let value = table.values[at * table.channels.length + columns[c]]
        if (c === summed && knot > 0) {
          for (let between = lags[knot] + 1; between < lags[knot - 1]; between++) {
            value += table.values[(row - between) * table.channels.length + columns[c]]
          }
        }
        if (Number.isNaN(value)) continue
        features[target] = value
        mask[target] = 1
      }
    }
  }
  return { count: ends.length, knots: count, channels, features, hours, mask, coin, asOf }
}

/** Windows `start` up to `end` of a batch, as views on the same memory. */
export function sliceWindows(windows: Windows, start: number, end: number): Windows {
  const { knots, channels } = windows
  const size = knots * channels.length
  return {
    count: end - start,
    knots,
    channels,
    features: windows.features.subarray(start * size, end * size),
    hours: windows.hours.subarray(start * knots, end * knots),
    mask: windows.mask.subarray(start * size, end * size),
    coin: windows.coin.slice(start, end),
    asOf: windows.asOf.subarray(start, end),
  }
}

function channelColumns(table: FeatureTable, channels: readonly string[]): number[] {
  return channels.map((channel) => {
    const column = (table.channels as readonly string[]).indexOf(channel)
    if (column < 0) {
      throw new InputError(`${table.coin}: the model needs the channel "${channel}", the table has ${table.channels}`)
    }
    return column
  })
}
