import { MillraceError } from '#data/errors.ts'

/** Micro-dollars in a dollar. All cash is counted in whole micro-dollars, held as safe integers (up to 9 billion dollars). */
export const MICRO = 1_000_000

/**
 * Rounds dollars to the nearest whole micro-dollar, halves away from zero, so that a flow and its mirror image
 * stay mirror images.
 *
 * @throws {MillraceError} `fail-closed` where the amount is not a number or too large to be counted exactly.
 */
export function toMicro(dollars: number): number {
  const amount = Math.sign(dollars) * Math.round(Math.abs(dollars) * MICRO)
  if (!Number.isSafeInteger(amount)) {
    throw new MillraceError('fail-closed', `${dollars} dollars cannot be counted in micro-dollars`, { dollars })
  }
  // -0 would be written as 0 but compared as different.
  return amount === 0 ? 0 : amount
}

/** Micro-dollars as dollars, for people. */
export function toDollars(micro: number): number {
  return micro / MICRO
}
