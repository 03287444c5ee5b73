import { FatalError, MillraceError, UnavailableError } from '#data/errors.ts'

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) that mean something to whoever keeps a ledger. */
const MEANING: Readonly<Record<number, string>> = {
  3: 'may not be opened: check its permissions',
  8: 'cannot be written: check the permissions of the file and its folder',
  10: 'cannot be read or written (disk error): check the disk; what was recorded before is as it was',
  13: 'cannot grow, the disk is full: free some space; what was recorded before is as it was',
  14: 'cannot be opened: check that its folder exists and may be written',
}

/** What says that the file itself is damaged: nothing may be added to it. */
const DAMAGED: Readonly<Record<number, string>> = {
  11: 'is corrupt: keep the file, and go on from a copy of it',
  19: 'refuses what was to be written: the file was changed by another program, or the event does not fit',
  26: 'is not a SQLite file, or its beginning is corrupt: keep it, and go on from a copy',
}

/** Runs `work`; an error of SQLite becomes one of ours that names the ledger and says what to do. */
export function guardSqlite<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw translate(error, path) ?? error
  }
}

function translate(error: unknown, path: string): MillraceError | undefined {
  const { code, errcode, message } = error as { code?: string; errcode?: number; message?: string }
  if (code !== 'ERR_SQLITE_ERROR' || errcode === undefined) return undefined
  // Extended codes keep the primary one in their lowest byte.
  const primary = errcode & 0xff
  const details = { path, sqlite: errcode }
  if (primary === 5 || primary === 6) {
    return new UnavailableError(
      `ledger ${path} is locked by another process: try again when it is done`,
      details,
      error,
    )
  }
  if (primary in DAMAGED) {
    return new MillraceError('fail-closed', `ledger ${path} ${DAMAGED[primary]} (SQLite: ${message})`, details, error)
  }
  return new FatalError(`ledger ${path} ${MEANING[primary] ?? 'failed'} (SQLite: ${message})`, details, error)
}
