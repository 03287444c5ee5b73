/**
 * The exchange's funding formula and its limits
 * (https://hyperliquid.gitbook.io/hyperliquid-docs/trading/funding).
 */

/** Interest per 8 hours that the formula pulls the premium towards. */
const INTEREST = 0.0001
/** How far interest may move the premium, per 8 hours. */
const CLAMP = 0.0005
/** Most that an hour can cost, as a fraction of the position. */
export const HOURLY_CAP = 0.04

/**
 * Hourly funding rate for a mean premium of the hour: `(P + clamp(0.0001 - P, +-0.0005)) / 8`, capped at +-4 %.
 *
 * @param premium mean premium of the hour, in 8-hour units.
 * @returns fraction per hour.
 */
export function fundingRate(premium: number): number {
  const interest = Math.min(CLAMP, Math.max(-CLAMP, INTEREST - premium))
  return Math.min(HOURLY_CAP, Math.max(-HOURLY_CAP, (premium + interest) / 8))
}

/**
 * A premium (8-hour units) that {@link fundingRate} turns into `rate`. Every premium between -0.0004 and 0.0006
 * gives the baseline rate; for that one the interest itself is returned.
 */
export function premiumOf(rate: number): number {
  const perEightHours = rate * 8
  if (Math.abs(perEightHours - INTEREST) < 1e-12) return INTEREST
  return perEightHours > INTEREST ? perEightHours + CLAMP : perEightHours - CLAMP
}
