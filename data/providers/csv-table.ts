import { readFileSync } from 'node:fs'
import Papa from 'papaparse'
import { HOUR } from '../bars.ts'
import { FatalError, InputError } from '../errors.ts'

/** Numeric columns of one CSV file, ascending in time, one row an hour. */
export interface CsvTable {
  readonly file: string
  readonly rows: number
  /** By name: the columns asked for, and those optional ones that the file has. */
  readonly columns: ReadonlyMap<string, Float64Array>
  /** Line of each row in the file, from 1. */
  readonly lines: Uint32Array
  /** Rows that stood before an earlier one. */
  readonly unordered: number
  /** Repeated rows, dropped. */
  readonly repeated: number
}

const NUMBER = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?\s*$/i
/** 1973 in milliseconds: smaller stamps are seconds. */
const SECONDS_END = 1e11
/** The year 2286 in milliseconds, 1970-01-12 in microseconds: larger stamps are finer than milliseconds. */
const MILLISECONDS_END = 1e13

function complain(file: string, line: number, column: string, value: unknown, rule: string): InputError {
  const shown = value === undefined ? 'nothing' : `"${String(value).slice(0, 60)}"`
  return new InputError(`${file} line ${line}, column ${column}: ${rule}, got ${shown}`, { file, line, column, value })
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new InputError(`${file} does not exist`, { file }, error)
    throw new FatalError(`${file} cannot be read (${code}); check its permissions`, { file }, error)
  }
}

/** What a time stamp that is no full hour in milliseconds probably is. */
function stampRule(text: string): string {
  if (!NUMBER.test(text)) {
    const parsed = Date.parse(text)
    const hint = Number.isNaN(parsed) ? '' : ` (${text} would be ${parsed})`
    return `must be UTC milliseconds such as 1725447600000, not a date${hint}`
  }
  if (Math.abs(Number(text)) < SECONDS_END)
    return 'must be UTC milliseconds; this looks like seconds (multiply by 1000)'
  if (Math.abs(Number(text)) >= MILLISECONDS_END) {
    return 'must be UTC milliseconds; this looks like microseconds or nanoseconds (divide by 1000 or 1000000)'
  }
  return 'must be a full hour in UTC milliseconds'
}

/**
 * Reads hourly rows keyed by `ts_ms` from a CSV file with a header line. Column order is free, further columns are
 * ignored, a byte-order mark and either line ending are accepted, empty lines are skipped.
 *
 * Rows out of order are sorted and repeated rows dropped, both counted; rows that contradict each other are refused.
 *
 * @param required columns besides `ts_ms` that must be there, with a number in each row.
 * @param optional columns that may be missing, or empty in a row (then `NaN`).
 * @param lateness milliseconds past the full hour that a stamp may have; it is floored.
 * @throws {InputError} naming file, line, column and value of the first thing that is wrong.
 */
export function readCsvTable(
  file: string,
  required: readonly string[],
  optional: readonly string[] = [],
  lateness = 0,
): CsvTable {
  const text = readText(file)
  const { data, errors } = Papa.parse<string[]>(text, { delimiter: ',' })
  if (errors.length > 0) {
    const line = (errors[0].row ?? 0) + 1
    throw new InputError(`${file} line ${line}: ${errors[0].message}`, { file, line })
  }
  // Papa.parse removes a byte-order mark in front of a header of its own only.
  const header = (data[0] ?? []).map((name) => name.replace(/^\uFEFF/, '').trim())
  const names = ['ts_ms', ...required, ...optional.filter((name) => header.includes(name))]
  for (const name of names) {
    const copies = header.filter((other) => other === name).length
    if (copies === 1) continue
    const has = header.join(', ') || 'no header line'
    const problem = copies === 0 ? 'is missing' : `stands there ${copies} times`
    throw new InputError(`${file} line 1: column ${name} ${problem}; the file has: ${has}`, {
      file,
      line: 1,
      column: name,
    })
  }

  const read = names.map((name) => ({
    name,
    at: header.indexOf(name),
    optional: optional.includes(name),
    values: new Float64Array(data.length),
  }))
  const lines = new Uint32Array(data.length)
  let rows = 0
  for (let i = 1; i < data.length; i++) {
    const cells = data[i]
    if (cells.length === 1 && cells[0].trim() === '') continue
    for (const column of read) {
      const cell = cells[column.at]
      const missing = cell === undefined || cell.trim() === ''
      if (missing && column.optional) {
        column.values[rows] = Number.NaN
        continue
      }
      const value = missing || !NUMBER.test(cell) ? Number.NaN : Number(cell)
      if (column.name === 'ts_ms') {
        const fullHour = value % HOUR <= lateness && value >= SECONDS_END && value < MILLISECONDS_END
        if (!fullHour) throw complain(file, i + 1, 'ts_ms', cell, missing ? 'must not be empty' : stampRule(cell))
        column.values[rows] = value - (value % HOUR)
        continue
      }
      if (!Number.isFinite(value)) {
        throw complain(file, i + 1, column.name, cell, missing ? 'must not be empty' : 'must be a finite number')
      }
      column.values[rows] = value
    }
    lines[rows] = i + 1
    rows++
  }
  return order(
    file,
    read.map(({ name, values }) => ({ name, values: values.subarray(0, rows) })),
    lines.subarray(0, rows),
  )
}

/** Sorts by time and removes repeated rows; copies only where that is needed. */
function order(file: string, columns: readonly { name: string; values: Float64Array }[], lines: Uint32Array): CsvTable {
  const time = columns[0].values
  let unordered = 0
  let latest = Number.NEGATIVE_INFINITY
  let repeats = false
  for (const moment of time) {
    if (moment < latest) unordered++
    else if (moment === latest) repeats = true
    else latest = moment
  }
  const asTable = (rows: number, values: Map<string, Float64Array>, kept: Uint32Array) => ({
    file,
    rows,
    columns: values,
    lines: kept,
    unordered,
    repeated: lines.length - rows,
  })
  if (unordered === 0 && !repeats) {
    return asTable(time.length, new Map(columns.map(({ name, values }) => [name, values])), lines)
  }

  const sorted = Uint32Array.from(lines, (_, i) => i).sort((a, b) => time[a] - time[b] || a - b)
  const kept: number[] = []
  for (const row of sorted) {
    const last = kept.at(-1)
    if (last === undefined || time[last] !== time[row]) {
      kept.push(row)
      continue
    }
    for (const { name, values } of columns) {
      if (Object.is(values[last], values[row])) continue
      const rule = `contradicts line ${lines[last]} of the same hour, which has ${values[last]}`
      throw complain(file, lines[row], name, values[row], rule)
    }
  }
  const pick = (values: Float64Array) => Float64Array.from(kept, (row) => values[row])
  return asTable(
    kept.length,
    new Map(columns.map(({ name, values }) => [name, pick(values)])),
    Uint32Array.from(kept, (row) => lines[row]),
  )
}
