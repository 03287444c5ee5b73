import { FatalError } from '#data/errors.ts'

/** What a full disk is called: by Node, by the C library, by PostgreSQL. */
const FULL_DISK = /ENOSPC|EDQUOT|no space left on device|disk quota exceeded|disk full/i
/** A folder that cannot be made or written to; a read-only disk is ENOENT to a recursive `mkdir` of Node. */
const NO_FOLDER = /^(?:ENOENT|ENOTDIR|EEXIST|EROFS|EACCES|EPERM)\b.*\bmk(?:dir|dtemp)\b/
/** Lines of PostgreSQL that carry a reason; the others tell what went well. */
const REASON = /(?:FATAL|ERROR|PANIC|error|could not[^\n]*?): *(.*)/

/**
 * Why an embedded PostgreSQL does not run, in one line: what to do about a full disk, else its first own reason.
 *
 * @param what e.g. `did not start`
 * @param words all that the program said, or the message of an error of the operating system
 * @param directory where its files are
 */
export function serverFailure(what: string, words: string, directory: string, cause?: unknown): FatalError {
  if (FULL_DISK.test(words)) {
    return new FatalError(
      `the embedded PostgreSQL ${what}: the disk of ${directory} is full (it needs about 100 MB): free some space, ` +
        'choose another folder with --state, or set REDIS_URL',
      { path: directory, words },
      cause,
    )
  }
  if (NO_FOLDER.test(words)) {
    return new FatalError(
      `the embedded PostgreSQL ${what}: nothing can be written to ${directory} (${words}): choose another folder with ` +
        '--state, or set REDIS_URL',
      { path: directory, words },
      cause,
    )
  }
  const lines = words.split('\n').filter((line) => line.trim() !== '')
  const reason = (lines.find((line) => REASON.test(line)) ?? lines.at(-1))?.trim() ?? 'it said nothing'
  return new FatalError(`the embedded PostgreSQL ${what}: ${reason}`, { path: directory, words }, cause)
}
