import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { guardSqlite } from '#src/ledger/sqlite-errors.ts'

/** What the last full hour of a ledger says; money in dollars. */
export interface LedgerPeek {
  readonly equity: number
  /** Share of the highest hour so far that is lost now, 0 to 1. */
  readonly drawdown: number
  /** How many events there are. */
  readonly events: number
}

/** How long to wait for a writer, milliseconds: whoever asks wants an answer now. */
const PATIENCE = 250
const MICRO = 1e6

/**
 * Looks at the ledger at `path` beside its writer. Each look reads the hours that are new since the last one and nothing
 * else; whether the ledger holds together is for `millrace integrity` to say.
 *
 * @returns a function that gives the newest figures; undefined before the first hour
 * @throws (the function) {UnavailableError} where the ledger is held by another, {MillraceError} `fail-closed` where it
 *   cannot be read
 */
export function createLedgerPeek(path: string): () => Promise<LedgerPeek | undefined> {
  let seen = NOTHING_SEEN
  return async () => {
    if (!existsSync(path)) return undefined
    const { ino } = await stat(path)
    return guardSqlite(path, () => {
      const database = new DatabaseSync(path, { readOnly: true, timeout: PATIENCE })
      try {
        const events = newestNumber(database)
        // Another file in its place (a copy that was put back) is another story.
        if (ino !== seen.file || events < seen.number) seen = { ...NOTHING_SEEN, file: ino }
        seen = readHours(database, seen, events)
      } finally {
        database.close()
      }
      if (seen.equity === undefined) return undefined
      const drawdown = seen.peak > 0 ? Math.max(0, 1 - seen.equity / seen.peak) : 0
      return { equity: seen.equity / MICRO, drawdown, events: seen.number }
    })
  }
}

/** What earlier looks have read; micro-dollars. */
interface Seen {
  readonly file: number
  /** Number of the last event that was looked at. */
  readonly number: number
  readonly equity: number | undefined
  readonly peak: number
}

const NOTHING_SEEN: Seen = { file: -1, number: 0, equity: undefined, peak: Number.NEGATIVE_INFINITY }

function newestNumber(database: DatabaseSync): number {
  const { newest } = database.prepare('SELECT coalesce(max(number), 0) AS newest FROM events').get() as {
    newest: number
  }
  return newest
}

/** Hours have no coin: with it the index by kind and coin gives them in order, and only those asked for. */
const NEW_HOURS = `SELECT body ->> '$.equity' AS equity FROM events
  WHERE kind = 'hour' AND coin IS NULL AND number > ? AND number <= ? ORDER BY number`

function readHours(database: DatabaseSync, seen: Seen, events: number): Seen {
  let { equity, peak } = seen
  for (const row of database.prepare(NEW_HOURS).iterate(seen.number, events)) {
    equity = row.equity as number
    peak = Math.max(peak, equity)
  }
  return { file: seen.file, number: events, equity, peak }
}
