import fc from 'fast-check'
import Papa from 'papaparse'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Cell, type Danfo, loadDanfo, makeFrame } from '#training/report/frames.ts'
import { buildTables, type ReportTables } from '#training/report/tables.ts'
import { sampleReport } from './sample.ts'

describe('frames', () => {
  let danfo: Danfo
  beforeAll(async () => {
    danfo = await loadDanfo()
  })

  it('go out as CSV that any reader takes back cell by cell', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', ';', 'é') })
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cell, cell, fc.double({ noNaN: true, noDefaultInfinity: true })), { minLength: 1 }),
        (rows) => {
          const { csv } = makeFrame(danfo, ['first', 'sec,ond', 'number'], rows)
          const parsed = Papa.parse<string[]>(csv.replace(/\r\n$/, ''), { newline: '\r\n' }).data
          expect(parsed[0]).toEqual(['first', 'sec,ond', 'number'])
          expect(parsed.slice(1)).toEqual(rows.map(([a, b, c]) => [a, b, String(c)]))
        },
      ),
      { numRuns: 100 },
    )
  })

  it('leave a cell empty that could not be measured', () => {
    const { csv, rows } = makeFrame(danfo, ['coin', 'f1'], [['BTC', Number.NaN]])
    expect(csv).toBe('coin,f1\r\nBTC,\r\n')
    expect(rows).toEqual([['BTC', Number.NaN]])
  })

  it('keep their header when there are no rows', () => {
    expect(makeFrame(danfo, ['coin', 'kind'], []).csv).toBe('coin,kind\r\n')
  })

  it('do not lose digits of a double', () => {
    const value = 91_023.123456789
    expect(makeFrame(danfo, ['x'], [[value]]).rows[0][0]).toBe(value)
  })
})

describe('tables', () => {
  const data = sampleReport({ coins: ['BTC', 'ETH', 'SOL'], hours: 400 })
  let tables: ReportTables
  beforeAll(async () => {
    tables = await buildTables(data)
  })

  it('have a row for each model, class, coin, remark, graph and stage', () => {
    const rows = Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, table.rows.length]))
    expect(rows).toEqual({
      models: 4,
      classes: 12,
      gates: 11,
      coins: 3,
      stability: 5,
      dataset: 3,
      notices: 2,
      epochs: 24,
      onnx: 2,
      wheel: 3,
      rejections: 3,
      seconds: 6,
      hours: 1200,
    })
  })

  it('put the best macro-F1 first', () => {
    const scores = tables.models.rows.map((row) => row[1] as number)
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    expect(tables.models.rows[0][0]).toBe('Neural CDE')
  })

  it('put what could not be measured last', async () => {
    const { evaluation } = data
    const silent = { ...evaluation.models.cde, macroF1: Number.NaN }
    const changed = { ...data, evaluation: { ...evaluation, models: { ...evaluation.models, cde: silent } } }
    const { models } = await buildTables(changed)
    expect(models.rows.at(-1)?.[0]).toBe('Neural CDE')
  })

  it('carry the same numbers in CSV as in the rows', () => {
    const cell = (value: Cell) => (typeof value === 'number' && Number.isNaN(value) ? '' : String(value))
    for (const { csv, columns, rows } of Object.values(tables)) {
      const parsed = Papa.parse<string[]>(csv.trimEnd()).data
      expect(parsed).toEqual([[...columns], ...rows.map((row) => row.map(cell))])
    }
  })

  it('write times as text, to the minute, in UTC', () => {
    expect(tables.dataset.rows[0][3]).toBe('2025-03-20 00:00')
    expect(tables.hours.rows[0].slice(0, 2)).toEqual(['BTC', '2025-03-20 01:00'])
  })

  it('say who wins each coin, and both where they are equal', async () => {
    const { evaluation } = data
    const winners = { ...evaluation.winners, ETH: { ...evaluation.winners.ETH, models: ['cde', 'rule'] } }
    const { coins } = await buildTables({ ...data, evaluation: { ...evaluation, winners } })
    expect(coins.rows[1].at(-1)).toBe('Neural CDE = Hand rule')
  })

  it('show the distance to the optimum on simulated data only', async () => {
    expect(tables.optimum).toBeUndefined()
    const { optimum } = await buildTables(sampleReport({ coins: ['BTC'], hours: 400, simulated: true }))
    expect(optimum.rows.map((row) => row[0])).toEqual(['Best possible', 'Neural CDE', 'HMM', 'Hand rule', 'Linear'])
    for (const row of optimum.rows.slice(1)) expect(row[2]).toBeGreaterThan(0)
  })
})
