import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { openDatabase } from '#data/database.ts'
import { FatalError, UnavailableError } from '#data/errors.ts'
import type { Candles } from '#data/provider.ts'
import { openStore, type Store } from '#data/store.ts'
import { createTemporaryFolder } from './providers/files.ts'

const START = Date.UTC(2025, 0, 1)
const RANGE = { from: START, to: START + 1000 * HOUR }
const COVERED = { ...RANGE, checked: RANGE.to }

function candlesAt(hours: readonly number[], price = 10, coin = 'BTC'): Candles {
  const column = (value: number) => Float64Array.from(hours, () => value)
  return {
    coin,
    openTime: Float64Array.from(hours, (hour) => START + hour * HOUR),
    open: column(price),
    high: column(price + 1),
    low: column(price - 1),
    close: column(price),
    volume: column(0.1),
  }
}

let folder: ReturnType<typeof createTemporaryFolder>
let path: string
let store: Store
beforeEach(() => {
  folder = createTemporaryFolder()
  path = join(folder.path, 'var', 'market.db')
  store = openStore(path, { patience: 20 })
})
afterEach(() => {
  store.close()
  folder.remove()
})

describe('the store', () => {
  it('gives back what was added, also after it was closed', () => {
    store.addCandles('venue', candlesAt([0, 1, 5]), COVERED)
    store.addFunding(
      'venue',
      { coin: 'BTC', time: Float64Array.of(START, START + HOUR), rate: Float64Array.of(1e-5, -2e-5) },
      COVERED,
    )
    store.close()
    store = openStore(path)
    const { openInterest, ...candles } = store.candles('venue', 'BTC', RANGE)
    expect(candles).toEqual(candlesAt([0, 1, 5]))
    expect(openInterest?.every(Number.isNaN)).toBe(true)
    expect(store.coverage('venue', 'BTC', 'candles')).toEqual(COVERED)
    expect(store.coins('venue')).toEqual(['BTC'])
  })

  it('gives candles opened in the range and funding settled after its start up to its end', () => {
    store.addCandles('venue', candlesAt([0, 1, 2, 3]), COVERED)
    const time = Float64Array.of(START, START + HOUR, START + 2 * HOUR, START + 3 * HOUR)
    store.addFunding('venue', { coin: 'BTC', time, rate: Float64Array.of(0, 1, 2, 3) }, COVERED)
    const range = { from: START + HOUR, to: START + 3 * HOUR }
    expect(Array.from(store.candles('venue', 'BTC', range).openTime)).toEqual([START + HOUR, START + 2 * HOUR])
    expect(Array.from(store.funding('venue', 'BTC', range).rate)).toEqual([2, 3])
  })

  it('keeps origins and coins apart', () => {
    store.addCandles('venue a', candlesAt([0], 10), COVERED)
    store.addCandles('venue b', candlesAt([0], 20), COVERED)
    store.addCandles('venue a', candlesAt([1], 30, 'ETH'), COVERED)
    expect(Array.from(store.candles('venue a', 'BTC', RANGE).open)).toEqual([10])
    expect(Array.from(store.candles('venue b', 'BTC', RANGE).open)).toEqual([20])
    expect(store.candles('venue c', 'BTC', RANGE).openTime).toHaveLength(0)
    expect(store.coverage('venue b', 'ETH', 'candles')).toBeUndefined()
  })

  it('lets the later word of the venue on an hour stand', () => {
    store.addCandles('venue', candlesAt([0, 1, 2], 10), COVERED)
    store.addCandles('venue', candlesAt([1, 3], 20), COVERED)
    expect(Array.from(store.candles('venue', 'BTC', RANGE).open)).toEqual([10, 20, 10, 20])
  })

  it('holds the same after any order of additions', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 1 }), { maxLength: 6 }),
        (parts) => {
          const fresh = openStore(':memory:')
          for (const part of parts) fresh.addCandles('venue', candlesAt(part), COVERED)
          const expected = [...new Set(parts.flat())].sort((a, b) => a - b)
          expect(Array.from(fresh.candles('venue', 'BTC', RANGE).openTime)).toEqual(
            expected.map((h) => START + h * HOUR),
          )
          fresh.close()
        },
      ),
      { numRuns: 30 },
    )
  })

  it('keeps one snapshot of open interest an hour, the last, with the bar of that hour', () => {
    const snapshot = (minute: number, openInterest: number) => [
      { coin: 'BTC', time: START + minute * 60_000, openInterest },
    ]
    store.addCandles('venue', candlesAt([0, 1]), COVERED)
    expect(store.addOpenInterest('venue', snapshot(5, 100))).toBe(1)
    expect(store.addOpenInterest('venue', snapshot(5, 100))).toBe(0)
    expect(store.addOpenInterest('venue', snapshot(50, 150))).toBe(1)
    expect(store.addOpenInterest('venue', snapshot(20, 120))).toBe(0)
    // On the full hour the bar before has just ended.
    expect(store.addOpenInterest('venue', snapshot(120, 200))).toBe(1)
    expect(store.candles('venue', 'BTC', RANGE).openInterest).toEqual(Float64Array.of(150, 200))
  })

  it('writes all of a batch or nothing', () => {
    store.addCandles('venue', candlesAt([0]), COVERED)
    const broken = candlesAt([1, 2, 3], 20)
    broken.open[2] = Number.NaN
    // SQLite turns NaN into NULL, which the schema refuses.
    expect(() => store.addCandles('venue', broken, { ...COVERED, to: COVERED.to + HOUR })).toThrow()
    expect(Array.from(store.candles('venue', 'BTC', RANGE).open)).toEqual([10])
    expect(store.coverage('venue', 'BTC', 'candles')).toEqual(COVERED)
    store.addCandles('venue', candlesAt([1]), COVERED)
  })
})

describe('a store that cannot be used', () => {
  const opening = () => openStore(path, { patience: 20 })
  const fails = (type: typeof FatalError, message: RegExp) => {
    expect(opening).toThrow(type)
    expect(opening).toThrow(message)
  }

  it('is locked: another process writes, and only reading goes on', () => {
    store.addCandles('venue', candlesAt([0]), COVERED)
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const second = opening()
    expect(second.candles('venue', 'BTC', RANGE).openTime).toHaveLength(1)
    const write = () => second.addCandles('venue', candlesAt([0]), COVERED)
    expect(write).toThrow(UnavailableError)
    expect(write).toThrow(/market\.db is locked by another process/)
    second.close()
    other.exec('ROLLBACK')
    other.close()
    store.addCandles('venue', candlesAt([0]), COVERED)
  })

  it('is no database', () => {
    store.close()
    writeFileSync(path, 'this is not a database, whatever its name says '.repeat(200))
    fails(FatalError, /is not a millrace store.*move it away/)
  })

  it('is half written', () => {
    const hours = Array.from({ length: 1000 }, (_, i) => i)
    store.addCandles('venue', candlesAt(hours), COVERED)
    store.close()
    writeFileSync(path, readFileSync(path).subarray(0, 20_000))
    fails(FatalError, /is corrupt.*fetched again/)
  })

  it('is damaged in the middle', () => {
    const hours = Array.from({ length: 1000 }, (_, i) => i)
    store.addCandles('venue', candlesAt(hours), COVERED)
    store.close()
    const file = openSync(path, 'r+')
    for (let page = 9; page < 16; page++) writeSync(file, Buffer.alloc(1000, 0xa5), 0, 1000, page * 4096)
    closeSync(file)
    fails(FatalError, /is corrupt/)
  })

  it('is of a newer millrace', () => {
    store.close()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
    fails(FatalError, /version 99.*update millrace/)
  })

  it('lies where no folder can be made', () => {
    writeFileSync(join(folder.path, 'file'), '')
    expect(() => openStore(join(folder.path, 'file', 'market.db'))).toThrow(FatalError)
  })

  it('is on a full disk: nothing stored before is lost', () => {
    const small = openDatabase(path, ['-- the tables are there'], 20)
    const insert = "INSERT INTO series (origin, coin) VALUES (printf('%.*c', 900, 'x') || ?, 'BTC')"
    small.run((prepare) => prepare('PRAGMA max_page_count = 20').get())
    small.transact((prepare) => void prepare(insert).run(0))
    const fill = () =>
      small.transact((prepare) => {
        for (let i = 1; i < 500; i++) prepare(insert).run(i)
      })
    expect(fill).toThrow(FatalError)
    expect(fill).toThrow(/disk is full.*nothing stored before was lost/)
    const { rows } = small.run((prepare) => prepare('SELECT count(*) AS rows FROM series').get()) as {
      rows: number
    }
    expect(rows).toBe(1)
    small.close()
  })
})
