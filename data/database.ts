import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { FatalError, type MillraceError, UnavailableError } from './errors.ts'

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) that mean something to a user. */
const MEANING: Record<number, { what: string; mend: string }> = {
  8: { what: 'cannot be written', mend: 'check its permissions' },
  10: { what: 'cannot be read or written (disk error)', mend: 'check the disk' },
  11: { what: 'is corrupt', mend: 'move it away; what is in it can be fetched again' },
  13: { what: 'cannot grow: the disk is full', mend: 'free some space; nothing stored before was lost' },
  14: { what: 'cannot be opened', mend: 'check that its folder exists and may be written' },
  26: { what: 'is not a millrace store (or its beginning is corrupt)', mend: 'move it away' },
}

function translate(error: unknown, path: string): MillraceError | undefined {
  const { code, errcode, message } = error as { code?: string; errcode?: number; message?: string }
  if (code !== 'ERR_SQLITE_ERROR' || errcode === undefined) return undefined
  // Extended codes keep the primary one in their lowest byte.
  const primary = errcode & 0xff
  const details = { file: path, sqlite: errcode }
  if (primary === 5 || primary === 6) {
    return new UnavailableError(`store ${path} is locked by another process: try again when it is done`, details, error)
  }
  const known = MEANING[primary]
  const text = known ? `${known.what}: ${known.mend}` : 'failed'
  return new FatalError(`store ${path} ${text} (SQLite: ${message})`, details, error)
}

/** The statement of a query. It is compiled once and kept: what SQLite holds for one goes only when it is collected. */
export type Prepare = (query: string) => StatementSync

/** A database whose failures are typed errors. */
export interface Database {
  readonly path: string
  /** Runs `work`; SQLite's errors become `UnavailableError` (locked) or `FatalError` (all others). */
  run<T>(work: (prepare: Prepare) => T): T
  /** {@link run} in one immediate transaction: all of it is written, or nothing. */
  transact<T>(work: (prepare: Prepare) => T): T
  close(): void
}

/**
 * Opens (or makes) the database at `path`, checks it whole and brings it up to date.
 *
 * @param path file, or `:memory:`.
 * @param migrations each takes the database one `user_version` up. They are never changed, only added: files in use were
 *   made by them.
 * @param patience how long to wait for another process's write, milliseconds.
 * @throws {UnavailableError} when another process holds it longer than that.
 * @throws {FatalError} when it is corrupt, no database, newer than this program, or the disk is full.
 */
export function openDatabase(path: string, migrations: readonly string[], patience: number): Database {
  let handle: DatabaseSync | undefined
  const guarded = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw translate(error, path) ?? error
    }
  }
  const statements = new Map<string, StatementSync>()
  const prepare: Prepare = (query) => {
    const kept = statements.get(query) ?? (handle as DatabaseSync).prepare(query)
    statements.set(query, kept)
    return kept
  }
  const transact = <T>(work: (database: DatabaseSync) => T): T =>
    guarded(() => {
      const database = handle as DatabaseSync
      database.exec('BEGIN IMMEDIATE')
      try {
        const result = work(database)
        database.exec('COMMIT')
        return result
      } catch (error) {
        // A full disk may have rolled back by itself.
        if (database.isTransaction) database.exec('ROLLBACK')
        throw error
      }
    })

  try {
    guarded(() => {
      if (path !== ':memory:') makeFolder(path)
      handle = new DatabaseSync(path, { timeout: patience })
      handle.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
      const check = handle.prepare('PRAGMA quick_check(1)').get() as { quick_check: string }
      if (check.quick_check !== 'ok') {
        const message = `store ${path} ${MEANING[11].what}: ${MEANING[11].mend} (SQLite: ${check.quick_check})`
        throw new FatalError(message, { file: path })
      }
    })
    // One that is up to date is opened without a write: it can be read on a disk that is full.
    if (guarded(() => versionOf(handle as DatabaseSync)) !== migrations.length) {
      transact((database) => migrate(database, path, migrations))
    }
  } catch (error) {
    handle?.close()
    throw error
  }
  return {
    path,
    run: (work) => guarded(() => work(prepare)),
    transact: (work) => transact(() => work(prepare)),
    close: () => {
      if (handle?.isOpen) handle.close()
    },
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new FatalError(`the folder for store ${path} cannot be made (${code})`, { file: path }, error)
  }
}

function versionOf(database: DatabaseSync): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}

function migrate(database: DatabaseSync, path: string, migrations: readonly string[]): void {
  const version = versionOf(database)
  if (version > migrations.length) {
    const message = `store ${path} has version ${version}, this millrace knows ${migrations.length}: update millrace`
    throw new FatalError(message, { file: path, version })
  }
  for (const migration of migrations.slice(version)) database.exec(migration)
  database.exec(`PRAGMA user_version = ${migrations.length}`)
}
