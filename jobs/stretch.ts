import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { Feature, FeatureTable } from '#data/features.ts'
import type { WindowTable } from '#data/windows.ts'
import { decodeFloat32, decodeFloat64, encodeFloat32 } from './encoding.ts'
import type { InferItem } from './queues.ts'

/** A stretch of one coin's feature table, as a worker has it. */
export interface Stretch {
  readonly table: WindowTable
  /** `[rows]`: 1 where the volatility was known, 0 in the warm-up. */
  readonly known: Uint8Array
  /** Index of the first row to estimate; the rows before it are history. */
  readonly first: number
  /** Rows of the coin's table that were left off before the stretch. */
  readonly omitted: number
  readonly barsHash?: string
}

/**
 * Rows `[first, end)` of the table with `history` rows before them, for the way through the broker: no more than a window
 * is made of. Of the volatility that is whether it is known; of the moments, which follow each other by the hour, the
 * first and where an hour is missing.
 */
export function packStretch(table: FeatureTable, first: number, end: number, history: number): InferItem {
  const start = Math.max(0, first - history)
  const width = table.channels.length
  const missing = gapsIn(table, start, end)
  const unknown = unknownIn(table, start, end)
  return {
    coin: table.coin,
    channels: table.channels as Feature[],
    rows: encodeFloat32(table.values.subarray(start * width, end * width)),
    from: table.asOf[start],
    ...(missing.length > 0 && { missing }),
    ...(unknown.length > 0 && { unknown }),
    first: first - start,
    omitted: start,
  }
}

/** Rows before which hours are missing, and how many: `[row, hours]`. */
function gapsIn({ asOf }: FeatureTable, start: number, end: number): [number, number][] {
  const missing: [number, number][] = []
  for (let row = start + 1; row < end; row++) {
    const hours = (asOf[row] - asOf[row - 1]) / HOUR
    if (hours !== 1) missing.push([row - start, hours - 1])
  }
  return missing
}

/** Stretches of rows without volatility, half-open: `[first, end]`. */
function unknownIn({ sigma }: FeatureTable, start: number, end: number): [number, number][] {
  const unknown: [number, number][] = []
  for (let row = start; row < end; row++) {
    if (!Number.isNaN(sigma[row])) continue
    const last = unknown.at(-1)
    if (last?.[1] === row - start) last[1]++
    else unknown.push([row - start, row - start + 1])
  }
  return unknown
}

/**
 * What {@link packStretch} packed.
 *
 * @throws {InputError} naming coin and field of what does not fit together
 */
export function unpackStretch(item: InferItem): Stretch {
  const { coin, channels, first, omitted, barsHash } = item
  const values = decodeFloat32(item.rows, `${coin}: rows`)
  const rows = values.length / channels.length
  if (!Number.isInteger(rows)) {
    throw new InputError(`${coin}: rows holds ${values.length} numbers, expected a multiple of ${channels.length}`, {
      coin,
    })
  }
  if (first >= rows) throw new InputError(`${coin}: first is ${first}, there are ${rows} rows`, { coin })

  const { asOf, known } = item.from === undefined ? momentsInFull(item, rows) : momentsByTheHour(item, item.from, rows)
  return { table: { coin, channels: channels as Feature[], asOf, values }, known, first, omitted, barsHash }
}

type Moments = Pick<WindowTable, 'asOf'> & Pick<Stretch, 'known'>

function momentsByTheHour({ coin, missing, unknown }: InferItem, from: number, rows: number): Moments {
  const asOf = new Float64Array(rows)
  for (let row = 0; row < rows; row++) asOf[row] = from + row * HOUR
  for (const [row, hours] of missing ?? []) {
    if (!(Number.isInteger(hours) && hours > 0)) throw disorder(coin, row)
    for (let later = row; later < rows; later++) asOf[later] += hours * HOUR
  }
  const known = new Uint8Array(rows).fill(1)
  for (const [start, end] of unknown ?? []) known.fill(0, start, end)
  return { asOf, known }
}

/** As an earlier home says it: a worker is replaced before its home is. */
function momentsInFull({ coin, asOf: moments, sigma }: InferItem, rows: number): Moments {
  const asOf = decodeFloat64(moments ?? '', `${coin}: asOf`, rows)
  for (let row = 1; row < rows; row++) if (!(asOf[row] > asOf[row - 1])) throw disorder(coin, row)
  const known = Uint8Array.from(decodeFloat64(sigma ?? '', `${coin}: sigma`, rows), (value) =>
    Number(!Number.isNaN(value)),
  )
  return { asOf, known }
}

function disorder(coin: string, row: number): InputError {
  return new InputError(`${coin}: asOf must ascend by full hours at row ${row}`, { coin })
}
