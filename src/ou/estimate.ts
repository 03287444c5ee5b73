import { type Profile, profileAt, type Steps } from './likelihood.ts'

/** Where a search looks first, denser towards 1, where a likelihood is narrow. */
const SCAN = Float64Array.of(
  ...[0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.78, 0.84, 0.88, 0.91],
  ...[0.935, 0.955, 0.97, 0.98, 0.9875, 0.9935, 0.9975, 1],
)
const GOLDEN = (Math.sqrt(5) - 1) / 2
const TOLERANCE = 1e-9

export function emptyProfile(): Profile {
  return { mean: Number.NaN, squares: Number.NaN, exact: Number.NaN, restricted: Number.NaN }
}

/**
 * The b in [0, 1] that maximises a likelihood: a scan, because steps of several hours may give it two humps, then
 * golden-section search around the best (Kiefer 1953). An end of the range comes back exactly.
 */
export function likeliestPersistence(steps: Steps, kind: 'exact' | 'restricted', scratch: Profile): number {
  let best = 0
  let highest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < SCAN.length; i++) {
    const value = profileAt(steps, SCAN[i], scratch)[kind]
    if (value > highest) {
      highest = value
      best = i
    }
  }
  let low = SCAN[Math.max(0, best - 1)]
  let high = SCAN[Math.min(SCAN.length - 1, best + 1)]
  let left = high - GOLDEN * (high - low)
  let right = low + GOLDEN * (high - low)
  let atLeft = profileAt(steps, left, scratch)[kind]
  let atRight = profileAt(steps, right, scratch)[kind]
  while (high - low > TOLERANCE) {
    if (atLeft >= atRight) {
      high = right
      right = left
      atRight = atLeft
      left = high - GOLDEN * (high - low)
      atLeft = profileAt(steps, left, scratch)[kind]
    } else {
      low = left
      left = right
      atLeft = atRight
      right = low + GOLDEN * (high - low)
      atRight = profileAt(steps, right, scratch)[kind]
    }
  }
  // The search closes in on an end without reaching it.
  const inside = (low + high) / 2
  const end = SCAN[best]
  const atEnd = end === 0 || end === 1
  return atEnd && highest >= profileAt(steps, inside, scratch)[kind] ? end : inside
}

/**
 * The b that the restricted likelihood-ratio test does not reject: 2 (max - ln L(b)) <= `critical`, the quantile of
 * chi-squared with one degree of freedom. The restricted likelihood is what makes this honest close to a unit root,
 * where the ordinary ratio is far from chi-squared (Chen and Deo 2012, Journal of Time Series Analysis 33, 325).
 *
 * @param likeliest where the restricted likelihood is highest.
 * @returns ends in [0, 1]; 1 where a unit root is not rejected.
 */
export function persistenceInterval(
  steps: Steps,
  likeliest: number,
  critical: number,
  scratch: Profile,
): readonly [low: number, high: number] {
  const least = profileAt(steps, likeliest, scratch).restricted - critical / 2
  return [crossing(steps, 0, likeliest, least, scratch), crossing(steps, 1, likeliest, least, scratch)]
}

/** Between `outside` and `inside`, where the restricted likelihood passes `least`; `outside` where it never does. */
function crossing(steps: Steps, outside: number, inside: number, least: number, scratch: Profile): number {
  if (profileAt(steps, outside, scratch).restricted >= least) return outside
  let below = outside
  let above = inside
  while (Math.abs(above - below) > TOLERANCE) {
    const middle = (below + above) / 2
    if (profileAt(steps, middle, scratch).restricted >= least) above = middle
    else below = middle
  }
  return (below + above) / 2
}
