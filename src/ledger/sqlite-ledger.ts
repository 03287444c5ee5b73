import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { FatalError, InputError, MillraceError } from '#data/errors.ts'
import { canonicalJson } from './canonical-json.ts'
import { chainHash, GENESIS, mustTellOfRound, storiesDigest } from './chain.ts'
import type { LedgerEvent } from './events.ts'
import type { LedgerStore, RoundStories } from './journal.ts'
import { ledgerVersion, type MigrationOptions, migrate } from './migrations.ts'
import { SCHEMA } from './schema.ts'
import { guardSqlite } from './sqlite-errors.ts'
import { lockForWriting } from './writer-lock.ts'

export interface SqliteLedgerOptions {
  /**
   * Whether an append must survive the machine losing power (paper): SQLite's `synchronous` is FULL then, otherwise OFF,
   * which survives the end of the process only (backtests, which can be run again). Default: true.
   */
  readonly durable?: boolean
  /** Nothing is written, and a writer may be at work beside it. A ledger of an older version is brought up to date first. */
  readonly readOnly?: boolean
  /** UTC milliseconds, for the name of the copy that is made before a migration. */
  readonly now?: () => number
}

/** An event as it lies in the file. */
export interface LedgerRow {
  readonly number: number
  /** Canonical JSON of the event. */
  readonly body: string
  /** 32 bytes each: see {@link chainHash}. */
  readonly previous: Uint8Array
  readonly hash: Uint8Array
}

export interface SqliteLedger extends LedgerStore {
  readonly path: string
  /** Events after the one of number `after` (default: all) as they lie there, unchecked, ascending. */
  rows(after?: number): IterableIterator<LedgerRow>
  /** Runs a query; SQLite's errors become ours. */
  read<T>(query: (database: DatabaseSync) => T): T
}

/** How long to wait for another's write or checkpoint, milliseconds. */
const PATIENCE = 5000
/** Rows fetched at a time: an iteration holds no transaction open in between. */
const PAGE = 1000
/** Stories of an hour are small: Node's pieces of 64 KB would leave more garbage than they hold. */
const ZSTD = { chunkSize: 16 * 1024 }

/**
 * Opens (or makes) a ledger in SQLite: events in a hash chain, stories compressed beside them, nothing ever changed or
 * removed. Reading checks the chain as it goes.
 *
 * @throws {UnavailableError} where another process writes to it.
 * @throws {InputError} where `readOnly` finds none, or the file is no ledger.
 * @throws {FatalError} where the disk is full or refuses, or the ledger is newer than this program.
 * @throws {MillraceError} `fail-closed` where it is damaged.
 */
export function openSqliteLedger(path: string, options: SqliteLedgerOptions = {}): SqliteLedger {
  const { durable = true, readOnly = false } = options
  if (readOnly) {
    const database = openForReading(path, options)
    return createStore(path, database, () => database.close())
  }
  makeFolder(path)
  const unlock = lockForWriting(path)
  try {
    const database = openForWriting(path, durable, options)
    return createStore(path, database, () => {
      database.close()
      unlock()
    })
  } catch (error) {
    unlock()
    throw error
  }
}

function openForWriting(path: string, durable: boolean, options: MigrationOptions): DatabaseSync {
  return guardSqlite(path, () => {
    const database = new DatabaseSync(path, { timeout: PATIENCE })
    try {
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durable ? 'FULL' : 'OFF'}`)
      const { quick_check: found } = database.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
      if (found !== 'ok') {
        throw new MillraceError(
          'fail-closed',
          `ledger ${path} is corrupt: go on from a copy of it (SQLite: ${found})`,
          {
            path,
          },
        )
      }
      migrate(database, path, options)
      return database
    } catch (error) {
      database.close()
      throw error
    }
  })
}

function openForReading(path: string, options: SqliteLedgerOptions): DatabaseSync {
  if (!existsSync(path)) throw new InputError(`there is no ledger ${path}`, { path })
  return guardSqlite(path, () => {
    const database = new DatabaseSync(path, { readOnly: true, timeout: PATIENCE })
    try {
      if (ledgerVersion(database, path) === SCHEMA.length) return database
    } catch (error) {
      database.close()
      throw error
    }
    database.close()
    openSqliteLedger(path, { ...options, durable: true, readOnly: false }).close()
    return new DatabaseSync(path, { readOnly: true, timeout: PATIENCE })
  })
}

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new FatalError(`the folder for ledger ${path} cannot be made (${code})`, { path }, error)
  }
}

function createStore(path: string, database: DatabaseSync, close: () => void): SqliteLedger {
  const read = <T>(query: (handle: DatabaseSync) => T): T => guardSqlite(path, () => query(database))
  const [insertEvent, insertRound, selectRound, selectPage, selectLast] = read((handle) => [
    handle.prepare('INSERT INTO events (number, body, previous, hash) VALUES (?, ?, ?, ?)'),
    handle.prepare('INSERT INTO rounds (as_of, stories, digest) VALUES (?, ?, ?)'),
    handle.prepare('SELECT stories, digest FROM rounds WHERE as_of = ?'),
    handle.prepare(`SELECT number, body, previous, hash FROM events WHERE number > ? ORDER BY number LIMIT ${PAGE}`),
    handle.prepare('SELECT number, hash FROM events ORDER BY number DESC LIMIT 1'),
  ])
  let last = read(() => (selectLast.get() as unknown as Pick<LedgerRow, 'number' | 'hash'>) ?? EMPTY)

  function* rows(after = 0): Generator<LedgerRow> {
    for (let number = after; ; ) {
      const page = read(() => selectPage.all(number)) as unknown as LedgerRow[]
      if (page.length === 0) return
      yield* page
      number = page[page.length - 1].number
    }
  }

  function* events(): Generator<LedgerEvent> {
    let number = 0
    let previous = GENESIS
    for (const row of rows()) {
      number++
      if (row.number !== number || !same(row.previous, previous) || !same(row.hash, chainHash(previous, row.body))) {
        throw damaged(path, number)
      }
      previous = row.hash
      yield JSON.parse(row.body) as LedgerEvent
    }
  }

  return {
    path,
    rows,
    events,
    read,
    close() {
      if (database.isOpen) close()
    },
    append(added, stories) {
      const bodies = added.map(canonicalJson)
      const round = stories && { ...stories, digest: mustTellOfRound(added, stories) }
      last = read(() => {
        database.exec('BEGIN IMMEDIATE')
        try {
          let { number, hash } = last
          for (const body of bodies) {
            const previous = hash
            hash = chainHash(previous, body)
            insertEvent.run(++number, body, previous, hash)
          }
          if (round) insertRound.run(round.asOf, zstdCompressSync(round.json, ZSTD), round.digest)
          database.exec('COMMIT')
          return { number, hash }
        } catch (error) {
          // A full disk may have rolled back by itself.
          if (database.isTransaction) database.exec('ROLLBACK')
          throw error
        }
      })
    },
    stories(asOf) {
      const row = read(() => selectRound.get(asOf)) as unknown as { stories: Uint8Array; digest: string } | undefined
      return row && { asOf, json: readStories(path, asOf, row) }
    },
  }
}

const EMPTY: Pick<LedgerRow, 'number' | 'hash'> = { number: 0, hash: GENESIS }

/** Stories as text; what does not fit its digest is not given out. */
function readStories(path: string, asOf: number, row: { stories: Uint8Array; digest: string }): RoundStories['json'] {
  let json: string | undefined
  try {
    json = zstdDecompressSync(row.stories, ZSTD).toString()
  } catch {
    // Not what was compressed: told below, with the same words as any other damage.
  }
  if (json !== undefined && storiesDigest(json) === row.digest) return json
  const hour = new Date(asOf).toISOString()
  throw new MillraceError('fail-closed', `ledger ${path}: the stories of ${hour} are damaged: \`millrace integrity\``, {
    path,
    asOf,
  })
}

function damaged(path: string, event: number): MillraceError {
  const words = `ledger ${path}: event ${event} is not what was written: \`millrace integrity\` tells more`
  return new MillraceError('fail-closed', words, { path, event })
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
