import type { DataFrame } from 'danfojs-node'

/** What a table cell holds; `NaN` is a number that could not be measured. */
export type Cell = string | number

/** A finished table: the rows of a DataFrame, and the same frame as CSV. */
export interface Frame {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** RFC 4180, with a header; a cell that could not be measured is empty. */
  readonly csv: string
}

/** The part of danfo.js that is used here. */
export type Danfo = typeof import('danfojs-node')

/** Loads danfo.js: 0.6 s or more, so only when a report is written (design section 12). */
export async function loadDanfo(): Promise<Danfo> {
  const module = (await import('danfojs-node')) as Danfo & { default?: Danfo }
  return module.default ?? module
}

/**
 * Makes a DataFrame of `rows`, lets `shape` sort or select, and takes out its rows and its CSV.
 *
 * Times must come as text: danfo.js keeps numbers of a tensor as float32, which loses milliseconds.
 */
export function makeFrame(
  danfo: Danfo,
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  shape: (frame: DataFrame) => DataFrame = (frame) => frame,
): Frame {
  // danfo.js cannot make a frame of no rows but with columns; an empty table has nothing to be shaped either.
  if (rows.length === 0) return { columns, rows: [], csv: `${columns.map(quote).join(',')}\r\n` }
  const frame = shape(new danfo.DataFrame(rows.map((row) => [...row]) as never, { columns: [...columns] }))
  const values = frame.values as unknown as Cell[][]
  return { columns: frame.columns, rows: values, csv: toCsv(danfo, frame.columns, values) }
}

/** danfo.js's `toCSV` joins cells without quoting, so a second frame carries them quoted. */
function toCsv(danfo: Danfo, columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const quoted = rows.map((row) => row.map((cell) => (typeof cell === 'number' ? number(cell) : quote(cell))))
  const frame = new danfo.DataFrame(quoted as never, { columns: columns.map(quote) })
  const text = danfo.toCSV(frame, {}) as unknown as string
  // Rows of danfo.js end in "\n"; a cell may hold one too, but only between quotes.
  return `${text.replace(/\n$/, '').replace(/("(?:[^"]|"")*")|\n/g, (_, cell?: string) => cell ?? '\r\n')}\r\n`
}

function number(value: number): string {
  return Number.isFinite(value) ? String(value) : ''
}

/** Quotes a cell where RFC 4180 asks for it. */
function quote(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}
