/**
 * What to do about an error, in one word.
 *
 * - `fix-input`: the caller gave something wrong; trying again cannot help.
 * - `retry`: the other side may answer later.
 * - `fail-closed`: money or a model is in doubt; stop and use the step below.
 * - `fatal`: this machine cannot go on (disk full, missing binary).
 */
export type ErrorAction = 'fix-input' | 'retry' | 'fail-closed' | 'fatal'

/** Every error that millrace raises on purpose; `details` names the place (file, line, coin, field, value). */
export class MillraceError extends Error {
  readonly action: ErrorAction
  readonly details: Readonly<Record<string, unknown>>

  constructor(action: ErrorAction, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.action = action
    this.details = details
  }
}

/** The input (file, flag, configuration) is not what it must be. */
export class InputError extends MillraceError {
  constructor(message: string, details?: Record<string, unknown>, cause?: unknown) {
    super('fix-input', message, details, cause)
  }
}

/** A venue, broker or library could not be reached or would not serve now. */
export class UnavailableError extends MillraceError {
  constructor(message: string, details?: Record<string, unknown>, cause?: unknown) {
    super('retry', message, details, cause)
  }
}

/**
 * A venue answered, but not with what it documents (a missing field, text where a number belongs, rows out of
 * order). Asking again would only fetch doubt: another provider may serve, this answer must not.
 */
export class VenueError extends MillraceError {
  constructor(message: string, details?: Record<string, unknown>, cause?: unknown) {
    super('fail-closed', message, details, cause)
  }
}

/** A checkpoint is missing, truncated, tampered with, expired, or fails its parity check. */
export class ModelError extends MillraceError {
  constructor(message: string, details?: Record<string, unknown>, cause?: unknown) {
    super('fail-closed', message, details, cause)
  }
}

/** The machine cannot go on: no space, no permission, a missing binary. */
export class FatalError extends MillraceError {
  constructor(message: string, details?: Record<string, unknown>, cause?: unknown) {
    super('fatal', message, details, cause)
  }
}

/** What a model is trained on (a graphics card, its library, a thread) failed half-way: no memory left, device lost. */
export class BackendError extends FatalError {}
