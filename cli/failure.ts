import { MillraceError } from '#data/errors.ts'
import { redact } from '#jobs/secrets.ts'

/** Exit codes: 0 success, 1 failure, 2 wrong input, 128 + signal number when stopped by one. */
export const EXIT = { failure: 1, input: 2, interrupted: 130, terminated: 143 } as const

/** What to do about errors of the operating system, by code. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, or choose another folder with --state',
  EDQUOT: 'the disk quota is used up: free some space, or choose another folder with --state',
  EACCES: 'no permission: choose a folder that you may use',
  EPERM: 'no permission: choose a folder that you may use',
  EROFS: 'the disk is read-only: choose another folder with --state',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
}

/** One line on an error, without secrets. */
export function describeFailure(error: unknown): string {
  return redact(wordsOf(error))
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return `unexpected: ${String(error)}`
  const words = error.message.replaceAll(/\s*\n\s*/g, '; ')
  if (error instanceof MillraceError) return words
  const { code } = error as NodeJS.ErrnoException
  const advice = code === undefined ? undefined : ADVICE[code]
  return advice ? `${words} (${advice})` : `unexpected ${error.name}: ${words}`
}

/** The exit code that an error calls for. */
export function exitCodeOf(error: unknown): number {
  return error instanceof MillraceError && error.action === 'fix-input' ? EXIT.input : EXIT.failure
}
