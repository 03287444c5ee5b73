import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import Papa from 'papaparse'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InputError } from '#data/errors.ts'
import { toCsv, toParquet, writeTables } from '#jobs/trading/ledger-files.ts'
import type { FillEvent, LedgerEvent } from '#src/ledger/events.ts'
import { type LedgerTable, ledgerTables } from '#src/ledger/export.ts'
import { eventsOf, sampleLedger, stateAfter } from '../../src/ledger/sample.ts'

const events = eventsOf(sampleLedger(21, 30))
const { trades } = stateAfter(events).history
const tables = ledgerTables(events, trades)
const tableOf = (name: string) => tables.find((table) => table.name === name)!
const arrayBuffer = (bytes: Buffer) =>
  bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-tables-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

function valuesOf(table: LedgerTable): Record<string, unknown>[] {
  return table.columns[0].values.map((_, row) => Object.fromEntries(table.columns.map((c) => [c.name, c.values[row]])))
}

describe('a ledger as tables', () => {
  it('has every event in one table, under its number', () => {
    const numbers = tables.flatMap(({ columns }) =>
      columns.filter(({ name }) => name === 'number').flatMap((c) => c.values),
    )
    expect(numbers.sort((a, b) => Number(a) - Number(b))).toEqual(events.map((_, i) => i + 1))
    expect(tables.map(({ name }) => name)).toEqual([
      'fills',
      'funding',
      'intents',
      'orders',
      'marks',
      'hours',
      'rounds',
      'others',
      'trades',
    ])
    expect(tableOf('trades').columns[0].values).toHaveLength(trades.length)
  })

  it('says of a fill what its event says', () => {
    const fill = events.find((event): event is FillEvent => event.kind === 'fill')!
    expect(valuesOf(tableOf('fills'))[0]).toEqual({
      number: events.indexOf(fill) + 1,
      time: fill.time,
      coin: fill.coin,
      cloid: fill.cloid,
      size: fill.size,
      price: fill.price,
      notional_micro: fill.notional,
      fee_micro: fill.fee,
      liquidity: 'taker',
      slippage_micro: fill.slippage,
      closed_pnl_micro: fill.closedPnl,
    })
  })

  it('keeps the rest whole', () => {
    const { values } = tableOf('others').columns.at(-1)!
    const rest = events.filter(({ kind }) =>
      ['deposit', 'settings', 'leverage', 'transfer', 'renewal', 'liquidation', 'weights', 'protection'].includes(kind),
    )
    expect(values.map((text) => JSON.parse(String(text)) as LedgerEvent)).toEqual(rest)
  })
})

describe('files of tables', () => {
  // pyarrow 26.0.1 and pandas 3.1.1 read the same from both, cell by cell; timestamps as UTC.
  it.each(tables)('$name: Parquet gives back every cell, typed', async (table) => {
    const file = arrayBuffer(toParquet(table))
    const rows = await parquetReadObjects({ file })
    expect(rows).toEqual(
      valuesOf(table).map((row) =>
        Object.fromEntries(
          table.columns.map(({ name, type }) => {
            const value = row[name] as number | null
            if (value === null) return [name, null]
            if (type === 'time') return [name, new Date(value)]
            return [name, type === 'micro' || type === 'integer' ? BigInt(value) : value]
          }),
        ),
      ),
    )
  })

  it('Parquet has money as 64-bit integers and times as timestamps', () => {
    const { schema } = parquetMetadata(arrayBuffer(toParquet(tableOf('fills'))))
    const typeOf = (name: string) => schema.find((element) => element.name === name)
    expect(typeOf('fee_micro')).toMatchObject({ type: 'INT64' })
    expect(typeOf('time')).toMatchObject({ type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' })
    expect(typeOf('price')).toMatchObject({ type: 'DOUBLE' })
  })

  it.each(tables)('$name: CSV gives back every cell as text', (table) => {
    const { data, errors } = Papa.parse<Record<string, string>>(toCsv(table), { header: true, skipEmptyLines: true })
    expect(errors).toEqual([])
    expect(data).toEqual(
      valuesOf(table).map((row) =>
        Object.fromEntries(
          table.columns.map(({ name, type }) => {
            const value = row[name]
            if (value === null) return [name, '']
            return [name, type === 'time' ? new Date(value as number).toISOString() : String(value)]
          }),
        ),
      ),
    )
  })

  it('are written for an empty ledger too, with their headings', async () => {
    const path = folder()
    const files = await writeTables(path, ledgerTables([], []), 'both')
    expect(files).toHaveLength(18)
    expect(readFileSync(join(path, 'marks.csv'), 'utf8')).toBe('number,time,coin,price,stale\n')
    const marks = arrayBuffer(readFileSync(join(path, 'marks.parquet')))
    expect(await parquetReadObjects({ file: marks })).toEqual([])
  })

  it('replace what is there, and leave nothing else behind', async () => {
    const path = folder()
    writeFileSync(join(path, 'fills.csv'), 'old')
    await writeTables(path, tables, 'csv')
    expect(readFileSync(join(path, 'fills.csv'), 'utf8')).toBe(toCsv(tableOf('fills')))
    expect(readdirSync(path).sort()).toEqual(tables.map(({ name }) => `${name}.csv`).sort())
  })

  it('say why they cannot be written', async () => {
    const path = folder()
    writeFileSync(join(path, 'file'), '')
    await expect(writeTables(join(path, 'file'), tables, 'csv')).rejects.toThrow(/a file is in the way/)
    await expect(writeTables(join(path, 'file', 'in'), tables, 'csv')).rejects.toThrow(InputError)
  })
})
