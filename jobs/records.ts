import { join } from 'node:path'
import { openDatabase } from '#data/database.ts'

/** How a round ended. */
export type RoundState = 'running' | 'done' | 'failed' | 'skipped'

/** What the fleet knows of the round of one full hour. */
export interface RoundRecord {
  readonly asOf: number
  readonly flow: string
  readonly state: RoundState
  /** UTC milliseconds. */
  readonly startedAt: number
  readonly endedAt: number | null
  /** The hour was over long since: nothing was opened. */
  readonly late: boolean
  readonly degraded: readonly string[]
  /** `kind id` or `none`; null until estimates are there. */
  readonly model: string | null
  /** End of the newest bar of any coin, UTC milliseconds. */
  readonly newestBar: number | null
  readonly coins: number
  readonly estimates: number
  readonly windows: number
  readonly inferSeconds: number
  /** Milliseconds of each step. */
  readonly steps: Readonly<Record<string, number>>
  /** Why it failed or was skipped. */
  readonly words: string | null
}

/** The regime of a coin at one full hour, and what it was made from. */
export interface EstimateRecord {
  readonly asOf: number
  readonly coin: string
  readonly flow: string
  /** The hour that the features belong to: `asOf`, or earlier where data were late. */
  readonly knownAt: number
  readonly probabilities: readonly [number, number, number]
  /** `kind id` */
  readonly model: string
  /** SHA-256 of the coin's bars and of the features that went into the window, hexadecimal. */
  readonly barsHash: string
  readonly featuresHash: string
}

/** What the fleet knows of a retraining. */
export interface RetrainingRecord {
  readonly flow: string
  readonly startedAt: number
  readonly endedAt: number | null
  readonly ok: boolean | null
  readonly words: string
  /** Champions that it made, `kind id`. */
  readonly promoted: readonly string[]
}

/** An alert by its key: what is wrong with whom. */
export interface AlertRecord {
  readonly key: string
  readonly firing: boolean
  readonly since: number
  /** When it was last delivered; null: never. */
  readonly sentAt: number | null
  readonly text: string
}

/**
 * What the fleet did, in SQLite: rounds, estimates with their lineage, retrainings, alerts. Money is in the ledger, not
 * here. Several processes of one machine may have it open.
 */
export interface FleetRecords {
  readonly path: string
  /** Begins a round; one that is known stays as it is. @returns whether it is new */
  beginRound(record: Pick<RoundRecord, 'asOf' | 'flow' | 'startedAt' | 'late'>): boolean
  /** Sets what is given of a round that began. */
  noteRound(asOf: number, known: Partial<Omit<RoundRecord, 'asOf' | 'flow' | 'startedAt'>>): void
  /** Writes down that a round was left out. */
  skipRound(record: Pick<RoundRecord, 'asOf' | 'flow' | 'startedAt'> & { readonly words: string }): void
  round(asOf: number): RoundRecord | undefined
  /** Newest first by asOf. */
  rounds(limit: number): RoundRecord[]
  countRounds(): {
    done: number
    degraded: number
    failed: number
    skipped: number
    running: number
    windows: number
    inferSeconds: number
  }
  /** Keeps estimates; what is known of a coin and hour already stays. @returns how many were new */
  addEstimates(estimates: readonly EstimateRecord[]): number
  estimates(asOf: number): EstimateRecord[]
  putRetraining(record: RetrainingRecord): void
  /** Newest first. */
  retrainings(limit: number): RetrainingRecord[]
  putAlert(record: AlertRecord): void
  alerts(): AlertRecord[]
  /** A word kept under a name: what must survive a restart and is nothing of the above. */
  note(name: string): string | undefined
  putNote(name: string, value: string): void
  /** Removes estimates of hours before this. */
  forget(before: number): void
  close(): void
}

const FILE = 'records.sqlite'
/** How long to wait for another process's write, milliseconds. */
const PATIENCE = 5000

/** Tables of the records (see {@link openDatabase}). */
const MIGRATIONS = [
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

/** Where the records of a state folder are. */
export function recordsFile(state: string): string {
  return join(state, FILE)
}

/**
 * Opens (or makes) the records at `path`.
 *
 * @param path file, or `:memory:`
 * @throws {UnavailableError} where another process holds them; {FatalError} where they are corrupt or the disk is full
 */
export function openRecords(path: string): FleetRecords {
  const database = openDatabase(path, MIGRATIONS, PATIENCE)
  const all = (query: string, ...values: (string | number)[]) =>
    database.run((handle) => handle.prepare(query).all(...values)) as Row[]
  const change = (query: string, ...values: (string | number | null)[]) =>
    database.run((handle) => Number(handle.prepare(query).run(...values).changes))

  return {
    path,
    beginRound: ({ asOf, flow, startedAt, late }) =>
      change(
        "INSERT INTO rounds (as_of, flow, state, started_at, late) VALUES (?, ?, 'running', ?, ?) ON CONFLICT DO NOTHING",
        asOf,
        flow,
        startedAt,
        Number(late),
      ) === 1,
    noteRound(asOf, known) {
      for (const [name, value] of Object.entries(known)) {
        if (value === undefined) continue
        const { column, write } = ROUND_COLUMNS[name as keyof typeof known]
        change(`UPDATE rounds SET ${column} = ? WHERE as_of = ?`, write(value), asOf)
      }
    },
    skipRound: ({ asOf, flow, startedAt, words }) => {
      change(
        "INSERT INTO rounds (as_of, flow, state, started_at, ended_at, late, words) VALUES (?, ?, 'skipped', ?, ?, 1, ?) ON CONFLICT DO NOTHING",
        asOf,
        flow,
        startedAt,
        startedAt,
        words,
      )
    },
    round: (asOf) => all('SELECT * FROM rounds WHERE as_of = ?', asOf).map(readRound)[0],
    rounds: (limit) => all('SELECT * FROM rounds ORDER BY as_of DESC LIMIT ?', limit).map(readRound),
    countRounds: () =>
      all(
        `SELECT count(*) FILTER (WHERE state = 'done') AS done,
                count(*) FILTER (WHERE state = 'done' AND degraded <> '[]') AS degraded,
                count(*) FILTER (WHERE state = 'failed') AS failed,
                count(*) FILTER (WHERE state = 'skipped') AS skipped,
                count(*) FILTER (WHERE state = 'running') AS running,
                coalesce(sum(windows), 0) AS windows,
                coalesce(sum(infer_seconds), 0) AS inferSeconds
         FROM rounds`,
      )[0] as unknown as ReturnType<FleetRecords['countRounds']>,
    addEstimates: (estimates) =>
      database.transact((handle) => {
        const insert = handle.prepare(
          'INSERT INTO estimates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
        )
        let added = 0
        for (const { asOf, coin, flow, knownAt, probabilities, model, barsHash, featuresHash } of estimates) {
          const { changes } = insert.run(asOf, coin, flow, knownAt, ...probabilities, model, barsHash, featuresHash)
          added += Number(changes)
        }
        return added
      }),
    estimates: (asOf) => all('SELECT * FROM estimates WHERE as_of = ? ORDER BY coin', asOf).map(readEstimate),
    putRetraining: ({ flow, startedAt, endedAt, ok, words, promoted }) => {
      const verdict = ok === null ? null : Number(ok)
      const champions = JSON.stringify(promoted)
      change(
        'INSERT OR REPLACE INTO retrainings (flow, started_at, ended_at, ok, words, promoted) VALUES (?, ?, ?, ?, ?, ?)',
        flow,
        startedAt,
        endedAt,
        verdict,
        words,
        champions,
      )
    },
    retrainings: (limit) =>
      all('SELECT * FROM retrainings ORDER BY started_at DESC, flow DESC LIMIT ?', limit).map((row) => ({
        flow: row.flow as string,
        startedAt: row.started_at as number,
        endedAt: row.ended_at as number | null,
        ok: row.ok === null ? null : row.ok === 1,
        words: row.words as string,
        promoted: JSON.parse(row.promoted as string) as string[],
      })),
    putAlert: ({ key, firing, since, sentAt, text }) => {
      change('INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?)', key, Number(firing), since, sentAt, text)
    },
    alerts: () =>
      all('SELECT * FROM alerts ORDER BY since DESC, key').map((row) => ({
        key: row.key as string,
        firing: row.firing === 1,
        since: row.since as number,
        sentAt: row.sent_at as number | null,
        text: row.text as string,
      })),
    note: (name) => all('SELECT value FROM notes WHERE name = ?', name)[0]?.value as string | undefined,
    putNote: (name, value) => {
      change('INSERT OR REPLACE INTO notes VALUES (?, ?)', name, value)
    },
    forget: (before) => {
      change('DELETE FROM estimates WHERE as_of < ?', before)
    },
    close: () => database.close(),
  }
}

type Row = Readonly<Record<string, string | number | null>>
type RoundFields = Partial<Omit<RoundRecord, 'asOf' | 'flow' | 'startedAt'>>

const plain = (value: unknown) => value as string | number | null
const json = (value: unknown) => JSON.stringify(value)

/** Where each field of a round lies, and how it is written. */
const ROUND_COLUMNS: {
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

function readRound(row: Row): RoundRecord {
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

function readEstimate(row: Row): EstimateRecord {
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
