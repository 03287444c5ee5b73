import type { Random } from '../random.ts'

/**
 * How long a regime lasts, as the chance of leaving it hour by hour.
 *
 * Dwell D = shortest + N with N negative binomial (`shape` successes): unlike the geometric dwell of a Markov
 * chain it has a mode, so a regime that has just begun rarely ends at once (Bulla and Bulla 2006, "Stylized facts
 * of financial time series and hidden semi-Markov models").
 */
export interface Dwell {
  /** `P(D = age | D >= age)` at index `age`, hours since entry, from 1; the last value holds for all later ages. */
  readonly hazard: Float64Array
  readonly mean: number
}

/** Ages up to which the hazard is tabulated; it has long reached its limit by then. */
const OLDEST = 400

/** A negative binomial dwell with the given mean and shape, at least `shortest` hours. */
export function createDwell(mean: number, shape: number, shortest: number): Dwell {
  const success = shape / (shape + (mean - shortest))
  const hazard = new Float64Array(OLDEST + 1)
  let probability = success ** shape
  let survived = 1
  for (let age = shortest; age <= OLDEST; age++) {
    const n = age - shortest
    if (n > 0) probability *= ((n + shape - 1) / n) * (1 - success)
    // Far out both are rounding noise; the hazard of a negative binomial tends to its success probability.
    hazard[age] = survived > 1e-9 ? Math.min(1, probability / survived) : success
    survived -= probability
  }
  return { hazard, mean }
}

/** Whether a regime that has lasted `age` hours ends now. */
export function ends(dwell: Dwell, age: number, random: Random): boolean {
  return random.uniform() < dwell.hazard[Math.min(age, OLDEST)]
}
