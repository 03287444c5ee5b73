import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { FatalError, InputError } from '#data/errors.ts'
import { APPLICATION_ID, SCHEMA } from './schema.ts'

export interface MigrationOptions {
  /** The list to bring the file up to; the tests of migrations have shorter and broken ones. */
  readonly schema?: readonly string[]
  /** UTC milliseconds, for the name of the copy; the time of the last event where absent. */
  readonly now?: () => number
}

/** `user_version` of an open file: 0 for one that is empty. */
export function ledgerVersion(database: DatabaseSync, path: string, latest = SCHEMA.length): number {
  const version = pragma(database, 'user_version')
  const application = pragma(database, 'application_id')
  const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get() as { count: number }
  if (version === 0 && tables.count === 0) return 0
  if (application !== APPLICATION_ID) {
    throw new InputError(`${path} is a SQLite file, but no ledger of millrace: name another`, { path, application })
  }
  if (version > latest) {
    throw new FatalError(`ledger ${path} has version ${version}, this millrace knows ${latest}: update millrace`, {
      path,
      version,
    })
  }
  return version
}

/**
 * Brings a ledger up to date, each step in a transaction of its own with its version: what is interrupted is a whole
 * ledger of an older version, and goes on the next time. Before the first step of a ledger that holds something, a copy
 * is made beside it.
 *
 * @returns path of the copy; undefined where there was nothing to migrate.
 * @throws {FatalError} where the ledger is newer than this program.
 */
export function migrate(database: DatabaseSync, path: string, options: MigrationOptions = {}): string | undefined {
  const { schema = SCHEMA } = options
  const version = ledgerVersion(database, path, schema.length)
  if (version === schema.length) return undefined
  const copy = version === 0 ? undefined : backUp(database, path, version, options)
  for (let next = version; next < schema.length; next++) {
    database.exec('BEGIN IMMEDIATE')
    try {
      database.exec(schema[next])
      database.exec(`PRAGMA user_version = ${next + 1}`)
      database.exec('COMMIT')
    } catch (error) {
      // A full disk may have rolled back by itself.
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
  return copy
}

/** A whole, compact copy under a name with version and time. It appears at once or not at all. */
function backUp(database: DatabaseSync, path: string, version: number, { now }: MigrationOptions): string {
  const copy = `${path}.version-${version}.${stamp(now?.() ?? lastTime(database))}`
  const draft = `${copy}.draft`
  rmSync(draft, { force: true })
  database.prepare('VACUUM INTO ?').run(draft)
  const file = openSync(draft, 'r')
  fsyncSync(file)
  closeSync(file)
  renameSync(draft, copy)
  return copy
}

function lastTime(database: DatabaseSync): number {
  const last = database.prepare('SELECT time FROM events ORDER BY number DESC LIMIT 1').get() as
    | { time: number }
    | undefined
  return last?.time ?? 0
}

function stamp(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replaceAll(':', '-')
}

function pragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return (database.prepare(`PRAGMA ${name}`).get() as Record<string, number>)[name]
}
