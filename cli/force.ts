import { InputError } from '#data/errors.ts'

/**
 * The reason for which a promotion is forced; undefined where it is not.
 *
 * @throws {InputError} for `--force` without a reason, or a reason without `--force`
 */
export function forceOf({
  force,
  reason,
}: {
  readonly force?: unknown
  readonly reason?: unknown
}): string | undefined {
  if (!force && reason !== undefined) throw new InputError('--reason says why a promotion is forced: give --force too')
  if (!force) return undefined
  if (typeof reason === 'string' && reason.trim() !== '') return reason
  throw new InputError('--force needs a --reason: it is kept in the log')
}
