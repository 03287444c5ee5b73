import { DatabaseSync } from 'node:sqlite'
import { UnavailableError } from '#data/errors.ts'
import { guardSqlite } from './sqlite-errors.ts'

/**
 * Makes sure that one process at most writes a ledger, for as long as it has it open.
 *
 * The lock is a write transaction on a small SQLite file beside the ledger, begun and never ended. The operating system
 * drops it with the process, however that ends, so nothing stale can stay behind. SQLite's own exclusive locking mode on
 * the ledger would shut out readers too, and a lock folder with an owner's name needs to guess whether the owner lives.
 * The file stays when the lock is given back: removing it could remove the lock of whoever was quicker.
 *
 * @returns gives the lock back.
 * @throws {UnavailableError} naming the process that has it.
 */
export function lockForWriting(path: string): () => void {
  const lock = `${path}-writer`
  return guardSqlite(path, () => {
    const database = new DatabaseSync(lock)
    try {
      database.exec('PRAGMA synchronous = OFF')
      takeOrThrow(database, path)
      // What the holder says of itself must be committed to be read; the lock is open for that moment and taken again.
      database.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER) STRICT; DELETE FROM holder')
      database.prepare('INSERT INTO holder VALUES (?)').run(process.pid)
      database.exec('COMMIT')
      takeOrThrow(database, path)
    } catch (error) {
      database.close()
      throw error
    }
    return () => {
      if (database.isOpen) database.close()
    }
  })
}

function takeOrThrow(database: DatabaseSync, path: string): void {
  try {
    database.exec('BEGIN IMMEDIATE')
  } catch (error) {
    const { errcode = 0 } = error as { errcode?: number }
    if ((errcode & 0xff) !== 5) throw error
    const holder = holderOf(database)
    const who = holder === undefined ? 'another process' : `process ${holder}`
    throw new UnavailableError(
      `ledger ${path} is being written by ${who}: one at a time; stop it first, or give this one another ledger`,
      { path, holder },
      error,
    )
  }
}

function holderOf(database: DatabaseSync): number | undefined {
  try {
    return (database.prepare('SELECT pid FROM holder').get() as { pid: number } | undefined)?.pid
  } catch {
    // The holder is about to write its name, or has not come to it: the refusal stands without one.
    return undefined
  }
}
