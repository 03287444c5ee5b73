import { UnrecoverableError } from 'bullmq'
import { BackendError, FatalError, InputError, MillraceError, ModelError, UnavailableError } from '#data/errors.ts'
import { redact } from './secrets.ts'

/**
 * How an error crosses the broker, which carries nothing but its message: as `Name: message: cause`.
 */

const KINDS = { InputError, UnavailableError, ModelError, FatalError, BackendError } as const

/** The error and what caused it, outermost first, in one line, without secrets: it may be stored for long. */
export function describeError(error: unknown): string {
  return redact(wordsOf(error))
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : wordsOf(error.cause)
  // Wrapping often repeats the words of what it wraps.
  return cause === '' || error.message.includes(cause) ? error.message : `${error.message}: ${cause}`
}

/** `Name: message: cause`: what {@link fromJobFailure} reads. */
export function describeFailure(error: unknown): string {
  return `${error instanceof Error ? error.name : 'Error'}: ${describeError(error)}`
}

/**
 * What a processor throws for `error`: only an error that another try may mend is tried again.
 *
 * @returns an ordinary error for `retry`, an `UnrecoverableError` for all else; the cause is kept
 */
export function toJobFailure(error: unknown): Error {
  const words = describeFailure(error)
  const retry = error instanceof MillraceError && error.action === 'retry'
  const failure = retry ? new Error(words) : new UnrecoverableError(words)
  failure.cause = error
  return failure
}

/** The error that `reason` (of {@link describeFailure}) stood for. */
export function fromFailure(reason: string, details: Record<string, unknown> = {}): MillraceError {
  const [, name, words] = /^(\w+): ([\s\S]*)$/.exec(reason) ?? []
  const Kind = KINDS[name as keyof typeof KINDS]
  if (Kind) return new Kind(words, details)
  // BullMQ's own words for a job whose worker vanished too often.
  if (/stalled more than/.test(reason)) {
    return new FatalError(`every worker that took it was lost (${reason}): the job may be what ends them`, details)
  }
  return new FatalError(reason, details)
}
