import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import Papa from 'papaparse'
import writeFileAtomic from 'write-file-atomic'
import { InputError } from '#data/errors.ts'
import { codeOf, writing } from '#models/durable-files.ts'
import type { Cell, ColumnType, LedgerTable, TableColumn } from '#src/ledger/export.ts'
import type { ExportFormat } from './ledger-formats.ts'

/**
 * Writes one file a table; a file that is there is replaced whole.
 *
 * @returns the paths.
 * @throws {InputError} where a file has the folder's name.
 * @throws {FatalError} where the disk is full or refuses.
 */
export async function writeTables(
  folder: string,
  tables: readonly LedgerTable[],
  format: ExportFormat,
): Promise<string[]> {
  const written: string[] = []
  await makeFolder(folder)
  for (const table of tables) {
    for (const kind of format === 'both' ? (['csv', 'parquet'] as const) : [format]) {
      const path = join(folder, `${table.name}.${kind}`)
      const content = kind === 'csv' ? toCsv(table) : toParquet(table)
      await writing(path, () => writeFileAtomic(path, content))
      written.push(path)
    }
  }
  return written
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await writing(folder, () => mkdir(folder, { recursive: true }))
  } catch (error) {
    const code = codeOf(error)
    if (code !== 'EEXIST' && code !== 'ENOTDIR') throw error
    throw new InputError(`${folder} cannot be a folder of tables: a file is in the way`, { folder, code }, error)
  }
}

/** RFC 4180 with a heading; times as ISO 8601 in UTC, what is not known as nothing. */
export function toCsv({ columns }: LedgerTable): string {
  const rows = columns[0].values.map((_, row) => columns.map(({ type, values }) => csvCell(type, values[row])))
  return `${Papa.unparse([columns.map(({ name }) => name), ...rows], { newline: '\n' })}\n`
}

function csvCell(type: ColumnType, value: Cell): string {
  if (value === null) return ''
  return type === 'time' ? new Date(value as number).toISOString() : String(value)
}

/** Apache Parquet: money and numbers of events as 64-bit integers, times as milliseconds UTC, every column nullable. */
export function toParquet({ columns }: LedgerTable): Buffer {
  return Buffer.from(parquetWriteBuffer({ columnData: columns.map(parquetColumn) }))
}

const PARQUET_TYPES = {
  time: 'TIMESTAMP',
  text: 'STRING',
  number: 'DOUBLE',
  integer: 'INT64',
  micro: 'INT64',
  flag: 'BOOLEAN',
} as const

function parquetColumn({ name, type, values }: TableColumn) {
  const whole = type === 'integer' || type === 'micro'
  const data = values.map((value) => {
    if (value === null) return null
    if (type === 'time') return new Date(value as number)
    return whole ? BigInt(value as number) : value
  })
  return { name, data, type: PARQUET_TYPES[type], nullable: true }
}
