import { join } from 'node:path'
import { openDatabase } from '#data/database.ts'
import {
  MIGRATIONS,
  ROUND_COLUMNS,
  type Row,
  readAlert,
  readEstimate,
  readRetraining,
  readRound,
} from './records-tables.ts'

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
    database.run((prepare) => prepare(query).all(...values)) as Row[]
  const change = (query: string, ...values: (string | number | null)[]) =>
    database.run((prepare) => Number(prepare(query).run(...values).changes))

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
      database.transact((prepare) => {
        for (const [name, value] of Object.entries(known)) {
          if (value === undefined) continue
          const { column, write } = ROUND_COLUMNS[name as keyof typeof known]
          prepare(`UPDATE rounds SET ${column} = ? WHERE as_of = ?`).run(write(value), asOf)
        }
      })
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
      database.transact((prepare) => {
        const insert = prepare('INSERT INTO estimates VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
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
      all('SELECT * FROM retrainings ORDER BY started_at DESC, flow DESC LIMIT ?', limit).map(readRetraining),
    putAlert: ({ key, firing, since, sentAt, text }) => {
      change('INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?)', key, Number(firing), since, sentAt, text)
    },
    alerts: () => all('SELECT * FROM alerts ORDER BY since DESC, key').map(readAlert),
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
