import { HOUR, type TimeRange } from './bars.ts'
import { openDatabase, type Prepare } from './database.ts'
import type { Candles, FundingSeries, OpenInterest } from './provider.ts'

/** What of a series has been asked of its provider: one unbroken range. */
export interface Coverage extends TimeRange {
  /** When its end was last asked for, UTC milliseconds. */
  readonly checked: number
}

export type SeriesKind = 'candles' | 'funding'

/**
 * Market data that was fetched once, kept in SQLite: candles, funding and snapshots of open interest, apart for each
 * origin and coin. Writing is atomic. Methods throw `UnavailableError` when another process holds the store, and
 * `FatalError` when the file is corrupt or the disk full.
 */
export interface Store {
  readonly path: string
  /** Coins of which candles of `origin` are kept. */
  coins(origin: string): string[]
  /** Candles opened in `range`, with the open interest observed in their hour. */
  candles(origin: string, coin: string, range: TimeRange): Candles
  /** Funding settled in `(range.from, range.to]`. */
  funding(origin: string, coin: string, range: TimeRange): FundingSeries
  coverage(origin: string, coin: string, kind: SeriesKind): Coverage | undefined
  /** Adds candles, later ones taking the place of earlier ones of the same hour, and records what is now covered. */
  addCandles(origin: string, candles: Candles, coverage: Coverage): void
  addFunding(origin: string, funding: FundingSeries, coverage: Coverage): void
  /**
   * Keeps snapshots, one per coin and hour: the one observed last before the hour was over.
   * @returns how many were new or nearer to the end of their hour.
   */
  addOpenInterest(origin: string, snapshots: readonly OpenInterest[]): number
  close(): void
}

/** Tables of the store (see {@link openDatabase}). */
const MIGRATIONS = [
  `CREATE TABLE series (
     id INTEGER PRIMARY KEY,
     origin TEXT NOT NULL,
     coin TEXT NOT NULL,
     UNIQUE (origin, coin)
   ) STRICT;
   CREATE TABLE candles (
     series INTEGER NOT NULL REFERENCES series (id),
     open_time INTEGER NOT NULL,
     open REAL NOT NULL, high REAL NOT NULL, low REAL NOT NULL, close REAL NOT NULL,
     volume REAL NOT NULL,
     PRIMARY KEY (series, open_time)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE funding (
     series INTEGER NOT NULL REFERENCES series (id),
     time INTEGER NOT NULL,
     rate REAL NOT NULL,
     PRIMARY KEY (series, time)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE open_interest (
     series INTEGER NOT NULL REFERENCES series (id),
     open_time INTEGER NOT NULL,
     observed INTEGER NOT NULL,
     open_interest REAL NOT NULL,
     PRIMARY KEY (series, open_time)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE coverage (
     series INTEGER NOT NULL REFERENCES series (id),
     kind TEXT NOT NULL CHECK (kind IN ('candles', 'funding')),
     range_from INTEGER NOT NULL,
     range_to INTEGER NOT NULL,
     checked INTEGER NOT NULL,
     PRIMARY KEY (series, kind)
   ) STRICT, WITHOUT ROWID;`,
]

/** @see openStore */
export interface StoreOptions {
  /** How long to wait for another process's write, milliseconds. */
  readonly patience?: number
}

/** Opens the store at `path` (made when missing), or one in memory for `:memory:`. */
export function openStore(path: string, { patience = 5000 }: StoreOptions = {}): Store {
  const database = openDatabase(path, MIGRATIONS, patience)

  const seriesId = (prepare: Prepare, origin: string, coin: string): number | undefined => {
    const row = prepare('SELECT id FROM series WHERE origin = ? AND coin = ?').get(origin, coin)
    return row === undefined ? undefined : (row.id as number)
  }
  const requireSeries = (prepare: Prepare, origin: string, coin: string): number => {
    prepare('INSERT INTO series (origin, coin) VALUES (?, ?) ON CONFLICT DO NOTHING').run(origin, coin)
    return seriesId(prepare, origin, coin) as number
  }
  const setCoverage = (prepare: Prepare, series: number, kind: SeriesKind, { from, to, checked }: Coverage) =>
    prepare('INSERT OR REPLACE INTO coverage (series, kind, range_from, range_to, checked) VALUES (?, ?, ?, ?, ?)').run(
      series,
      kind,
      from,
      to,
      checked,
    )
  const select = (sql: string, origin: string, coin: string, range: TimeRange): Record<string, number | null>[] =>
    database.run((prepare) => {
      const series = seriesId(prepare, origin, coin)
      if (series === undefined) return []
      return prepare(sql).all(series, range.from, range.to) as Record<string, number | null>[]
    })
  const columnOf = (rows: readonly Record<string, number | null>[], name: string) =>
    Float64Array.from(rows, (row) => row[name] ?? Number.NaN)

  return {
    path,
    coins: (origin) =>
      database.run((prepare) =>
        prepare(
          "SELECT coin FROM series JOIN coverage ON series = id AND kind = 'candles' WHERE origin = ? ORDER BY coin",
        )
          .all(origin)
          .map(({ coin }) => coin as string),
      ),
    candles(origin, coin, range) {
      const rows = select(
        `SELECT candles.open_time, open, high, low, close, volume, open_interest
           FROM candles LEFT JOIN open_interest USING (series, open_time)
          WHERE candles.series = ? AND candles.open_time >= ? AND candles.open_time < ? ORDER BY candles.open_time`,
        origin,
        coin,
        range,
      )
      return {
        coin,
        openTime: columnOf(rows, 'open_time'),
        open: columnOf(rows, 'open'),
        high: columnOf(rows, 'high'),
        low: columnOf(rows, 'low'),
        close: columnOf(rows, 'close'),
        volume: columnOf(rows, 'volume'),
        openInterest: columnOf(rows, 'open_interest'),
      }
    },
    funding(origin, coin, range) {
      const sql = 'SELECT time, rate FROM funding WHERE series = ? AND time > ? AND time <= ? ORDER BY time'
      const rows = select(sql, origin, coin, range)
      return { coin, time: columnOf(rows, 'time'), rate: columnOf(rows, 'rate') }
    },
    coverage(origin, coin, kind) {
      return database.run((prepare) => {
        const series = seriesId(prepare, origin, coin)
        if (series === undefined) return undefined
        const row = prepare('SELECT range_from, range_to, checked FROM coverage WHERE series = ? AND kind = ?').get(
          series,
          kind,
        ) as { range_from: number; range_to: number; checked: number } | undefined
        return row && { from: row.range_from, to: row.range_to, checked: row.checked }
      })
    },
    addCandles(origin, candles, coverage) {
      const { coin, openTime, open, high, low, close, volume } = candles
      database.transact((prepare) => {
        const series = requireSeries(prepare, origin, coin)
        const insert = prepare('INSERT OR REPLACE INTO candles VALUES (?, ?, ?, ?, ?, ?, ?)')
        for (let i = 0; i < openTime.length; i++) {
          insert.run(series, openTime[i], open[i], high[i], low[i], close[i], volume[i])
        }
        setCoverage(prepare, series, 'candles', coverage)
      })
    },
    addFunding(origin, { coin, time, rate }, coverage) {
      database.transact((prepare) => {
        const series = requireSeries(prepare, origin, coin)
        const insert = prepare('INSERT OR REPLACE INTO funding VALUES (?, ?, ?)')
        for (let i = 0; i < time.length; i++) insert.run(series, time[i], rate[i])
        setCoverage(prepare, series, 'funding', coverage)
      })
    },
    addOpenInterest(origin, snapshots) {
      return database.transact((prepare) => {
        const insert = prepare(
          `INSERT INTO open_interest (series, open_time, observed, open_interest) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET observed = excluded.observed, open_interest = excluded.open_interest
           WHERE excluded.observed > observed`,
        )
        let changed = 0
        for (const { coin, time, openInterest } of snapshots) {
          // What is observed during an hour belongs to the bar of that hour: it is known when the bar is.
          const openTime = Math.ceil(time / HOUR) * HOUR - HOUR
          changed += Number(insert.run(requireSeries(prepare, origin, coin), openTime, time, openInterest).changes)
        }
        return changed
      })
    },
    close: database.close,
  }
}
