import { HOUR } from './bars.ts'
import { InputError } from './errors.ts'
import type { FeatureTable } from './features.ts'

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

/** A window may span at most this many times the hours it would without gaps: beyond it the past is another market. */
const LONGEST_SPAN = 2

/** What of a feature table is in its windows. */
export type WindowTable = Omit<FeatureTable, 'sigma'>

/** One place in a table at which a window ends. */
export interface WindowEnd<Table extends WindowTable = FeatureTable> {
  readonly table: Table
  readonly row: number
}

/**
 * Rows of `table` at which a window of `knots` rows may end: past the warm-up from the first knot on, and not
 * stretched over too long a gap.
 */
export function windowRows({ asOf, sigma }: FeatureTable, knots: number): Uint32Array {
  const known = (row: number) => !Number.isNaN(sigma[row])
  return Uint32Array.from(rowsWithWindow(asOf, known, knots, 0))
}

/**
 * Rows from `from` on at which a window of `knots` rows may end, as {@link windowRows} has them.
 *
 * @param asOf `[rows]`, ascending, UTC milliseconds
 * @param known whether a row is past the warm-up
 */
export function rowsWithWindow(
  asOf: Float64Array,
  known: (row: number) => boolean,
  knots: number,
  from: number,
): number[] {
  const rows: number[] = []
  const longest = LONGEST_SPAN * (knots - 1) * HOUR
  for (let row = Math.max(from, knots - 1); row < asOf.length; row++) {
    const first = row - knots + 1
    if (known(first) && known(row) && asOf[row] - asOf[first] <= longest) rows.push(row)
  }
  return rows
}

/**
 * Cuts the windows that end at `ends` out of their tables.
 *
 * @throws {InputError} where a table lacks a channel or has fewer than `knots` rows up to the end asked for
 */
export function buildWindows(
  ends: readonly WindowEnd<WindowTable>[],
  knots: number,
  channels: readonly string[],
): Windows {
  const width = channels.length
  const features = new Float32Array(ends.length * knots * width)
  const mask = new Float32Array(features.length)
  const hours = new Float32Array(ends.length * knots)
  const asOf = new Float64Array(ends.length)
  const coin: string[] = []
  const columnsOf = new Map<WindowTable, readonly number[]>()

  for (let n = 0; n < ends.length; n++) {
    const { table, row } = ends[n]
    const first = row - knots + 1
    if (first < 0 || row >= table.asOf.length) {
      throw new InputError(`${table.coin}: no window of ${knots} knots ends at row ${row} of ${table.asOf.length}`)
    }
    let columns = columnsOf.get(table)
    if (!columns) {
      columns = channelColumns(table, channels)
      columnsOf.set(table, columns)
    }
    asOf[n] = table.asOf[row]
    coin.push(table.coin)
    let target = n * knots * width
    for (let knot = 0; knot < knots; knot++) {
      const source = (first + knot) * table.channels.length
      hours[n * knots + knot] = (table.asOf[first + knot] - table.asOf[first]) / HOUR
      for (let c = 0; c < width; c++, target++) {
        const value = table.values[source + columns[c]]
        if (Number.isNaN(value)) continue
        features[target] = value
        mask[target] = 1
      }
    }
  }
  return { count: ends.length, knots, channels, features, hours, mask, coin, asOf }
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

/** Batches of windows one after the other, copied. All have the knots and channels of the first. */
export function concatenateWindows(batches: readonly Windows[]): Windows {
  const [{ knots, channels }] = batches
  const count = batches.reduce((sum, batch) => sum + batch.count, 0)
  const size = knots * channels.length
  const features = new Float32Array(count * size)
  const mask = new Float32Array(count * size)
  const hours = new Float32Array(count * knots)
  const asOf = new Float64Array(count)
  let offset = 0
  for (const batch of batches) {
    features.set(batch.features, offset * size)
    mask.set(batch.mask, offset * size)
    hours.set(batch.hours, offset * knots)
    asOf.set(batch.asOf, offset)
    offset += batch.count
  }
  return { count, knots, channels, features, hours, mask, coin: batches.flatMap(({ coin }) => coin), asOf }
}

function channelColumns(table: WindowTable, channels: readonly string[]): number[] {
  return channels.map((channel) => {
    const column = (table.channels as readonly string[]).indexOf(channel)
    if (column < 0) {
      throw new InputError(`${table.coin}: the model needs the channel "${channel}", the table has ${table.channels}`)
    }
    return column
  })
}
