/** Hours over which the transition is applied step by step; beyond them the chain has forgotten its state. */
export const LONGEST_STEP_HOURS = 24

/** Transitions over any number of hours. */
export interface TransitionPowers {
  readonly states: number
  /** Distribution that the transition leaves as it is, `[K]`. */
  readonly stationary: Float64Array
  /** A^h for h = 0 ... {@link LONGEST_STEP_HOURS}, then the stationary distribution in every row: `[26, K, K]`. */
  readonly powers: Float64Array
}

function multiply(a: Float64Array, b: Float64Array, n: number): Float64Array {
  const product = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      for (let j = 0; j < n; j++) product[i * n + j] += a[i * n + k] * b[k * n + j]
    }
  }
  return product
}

/**
 * Stationary distribution of a transition matrix with positive entries, by repeated squaring: the rows of A^(2^n)
 * all tend to it (Perron-Frobenius).
 */
export function stationaryDistribution(transition: Float64Array, states: number): Float64Array {
  let power = transition
  for (let i = 0; i < 64; i++) {
    power = multiply(power, power, states)
    // Rows must keep summing to one, or rounding grows with every squaring.
    for (let row = 0; row < states; row++) {
      let sum = 0
      for (let j = 0; j < states; j++) sum += power[row * states + j]
      for (let j = 0; j < states; j++) power[row * states + j] /= sum
    }
  }
  return power.slice(0, states)
}

/** Tabulates the transitions over 0, 1, ... hours. */
export function transitionPowers(transition: Float64Array, states: number): TransitionPowers {
  const stationary = stationaryDistribution(transition, states)
  const powers = new Float64Array((LONGEST_STEP_HOURS + 2) * states * states)
  let power: Float64Array = new Float64Array(states * states)
  for (let i = 0; i < states; i++) power[i * states + i] = 1
  for (let hours = 0; hours <= LONGEST_STEP_HOURS; hours++) {
    powers.set(power, hours * states * states)
    power = multiply(power, transition, states)
  }
  for (let i = 0; i < states; i++) powers.set(stationary, ((LONGEST_STEP_HOURS + 1) * states + i) * states)
  return { states, stationary, powers }
}

/** Row of the table for a step of `hours`: rounded, and capped where the chain has forgotten. */
export function powerIndex(hours: number): number {
  return Math.min(LONGEST_STEP_HOURS + 1, Math.max(0, Math.floor(hours + 0.5)))
}
