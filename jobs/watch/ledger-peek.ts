import { existsSync } from 'node:fs'
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
    return guardSqlite(path, () => {
      const database = new DatabaseSync(path, { readOnly: true, timeout: PATIENCE })
      try {
        // Another ledger in its place (a copy that was put back) is another story: the chain tells.
        if (hashOf(database, seen.number) !== seen.hash) seen = NOTHING_SEEN
        seen = readHours(database, seen)
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
  /** Number and hash of the last event that was there. */
  readonly number: number
  readonly hash: string | undefined
  readonly equity: number | undefined
  readonly peak: number
}

const NOTHING_SEEN: Seen = { number: 0, hash: undefined, equity: undefined, peak: Number.NEGATIVE_INFINITY }

function hashOf(database: DatabaseSync, number: number): string | undefined {
  return database.prepare('SELECT hex(hash) AS hash FROM events WHERE number = ?').get(number)?.hash as
    | string
    | undefined
}

/** Hours have no coin: with it the index by kind and coin gives them in order, and only those asked for. */
const NEW_HOURS = `SELECT body ->> '$.equity' AS equity FROM events
  WHERE kind = 'hour' AND coin IS NULL AND number > ? AND number <= ? ORDER BY number`

function readHours(database: DatabaseSync, seen: Seen): Seen {
  const { number } = database.prepare('SELECT coalesce(max(number), 0) AS number FROM events').get() as {
    number: number
  }
  let { equity, peak } = seen
  for (const row of database.prepare(NEW_HOURS).iterate(seen.number, number)) {
    equity = row.equity as number
    peak = Math.max(peak, equity)
  }
  return { number, hash: hashOf(database, number), equity, peak }
}
