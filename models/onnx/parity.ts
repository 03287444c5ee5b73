import { ModelError } from '#data/errors.ts'

/** Largest absolute difference that an exported graph may show against the model it came from (design section 8). */
export const PARITY_TOLERANCE = 1e-5

/** Largest absolute difference of two arrays; `NaN` if any difference is, infinity if their lengths differ. */
export function maxAbsDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let largest = 0
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]))
  return largest
}

/**
 * Checks that `actual` says what `expected` says.
 *
 * @param what names the model in the error
 * @returns the largest absolute difference
 * @throws {ModelError} where it is {@link PARITY_TOLERANCE} or more, or not a number
 */
export function checkParity(what: string, expected: ArrayLike<number>, actual: ArrayLike<number>): number {
  const difference = maxAbsDifference(expected, actual)
  if (difference < PARITY_TOLERANCE) return difference
  throw new ModelError(
    `${what} fails its parity check: probabilities differ by ${difference} (allowed: below ${PARITY_TOLERANCE})`,
    { model: what, difference, allowed: PARITY_TOLERANCE },
  )
}
