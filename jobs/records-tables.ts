import type { AlertRecord, EstimateRecord, RetrainingRecord, RoundRecord, RoundState } from './records.ts'

/** Tables of the records (see {@link openDatabase}). */
export const MIGRATIONS = [
  `CREATE TABLE rounds (
     as_of INTEGER PRIMARY KEY,
     flow TEXT NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'skipped')),
     started_at INTEGER NOT NULL,
     ended_at INTEGER,
     late INTEGER NOT NULL DEFAULT 0,
     degraded TEXT NOT NULL DEFAULT '[]',
     model TEXT,
     newest_bar INTEGER,
     coins INTEGER NOT NULL DEFAULT 0,
     estimates INTEGER NOT NULL DEFAULT 0,
     windows INTEGER NOT NULL DEFAULT 0,
     infer_seconds REAL NOT NULL DEFAULT 0,
     steps TEXT NOT NULL DEFAULT '{}',
     words TEXT
   ) STRICT;
   CREATE TABLE estimates (
     as_of INTEGER NOT NULL,
     coin TEXT NOT NULL,
     flow TEXT NOT NULL,
     known_at INTEGER NOT NULL,
     chop REAL NOT NULL, trend REAL NOT NULL, reversal REAL NOT NULL,
     model TEXT NOT NULL,
     bars_hash TEXT NOT NULL,
     features_hash TEXT NOT NULL,
     PRIMARY KEY (as_of, coin)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE retrainings (
     flow TEXT PRIMARY KEY,
     started_at INTEGER NOT NULL,
     ended_at INTEGER,
     ok INTEGER,
     words TEXT NOT NULL,
     promoted TEXT NOT NULL DEFAULT '[]'
   ) STRICT;
   CREATE TABLE alerts (
     key TEXT PRIMARY KEY,
     firing INTEGER NOT NULL,
     since INTEGER NOT NULL,
     sent_at INTEGER,
     text TEXT NOT NULL
   ) STRICT;
   CREATE TABLE notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;`,
]

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, string | number | null>>
type RoundFields = Partial<Omit<RoundRecord, 'asOf' | 'flow' | 'startedAt'>>

const plain = (value: unknown) => value as string | number | null
const json = (value: unknown) => JSON.stringify(value)

/** Where each field of a round lies, and how it is written. */
export const ROUND_COLUMNS: {
  readonly [Name in keyof Required<RoundFields>]: {
    readonly column: string
    readonly write: (value: unknown) => string | number | null
  }
} = {
  state: { column: 'state', write: plain },
  endedAt: { column: 'ended_at', write: plain },
  late: { column: 'late', write: Number },
  degraded: { column: 'degraded', write: json },
  model: { column: 'model', write: plain },
  newestBar: { column: 'newest_bar', write: plain },
  coins: { column: 'coins', write: plain },
  estimates: { column: 'estimates', write: plain },
  windows: { column: 'windows', write: plain },
  inferSeconds: { column: 'infer_seconds', write: plain },
  steps: { column: 'steps', write: json },
  words: { column: 'words', write: plain },
}

export function readRound(row: Row): RoundRecord {
  return {
    asOf: row.as_of as number,
    flow: row.flow as string,
    state: row.state as RoundState,
    startedAt: row.started_at as number,
    endedAt: row.ended_at as number | null,
    late: row.late === 1,
    degraded: JSON.parse(row.degraded as string),
    model: row.model as string | null,
    newestBar: row.newest_bar as number | null,
    coins: row.coins as number,
    estimates: row.estimates as number,
    windows: row.windows as number,
    inferSeconds: row.infer_seconds as number,
    steps: JSON.parse(row.steps as string),
    words: row.words as string | null,
  }
}

export function readEstimate(row: Row): EstimateRecord {
  return {
    asOf: row.as_of as number,
    coin: row.coin as string,
    flow: row.flow as string,
    knownAt: row.known_at as number,
    probabilities: [row.chop as number, row.trend as number, row.reversal as number],
    model: row.model as string,
    barsHash: row.bars_hash as string,
    featuresHash: row.features_hash as string,
  }
}

export function readRetraining(row: Row): RetrainingRecord {
  return {
    flow: row.flow as string,
    startedAt: row.started_at as number,
    endedAt: row.ended_at as number | null,
    ok: row.ok === null ? null : row.ok === 1,
    words: row.words as string,
    promoted: JSON.parse(row.promoted as string),
  }
}

export function readAlert(row: Row): AlertRecord {
  return {
    key: row.key as string,
    firing: row.firing === 1,
    since: row.since as number,
    sentAt: row.sent_at as number | null,
    text: row.text as string,
  }
}
