import { REGIMES } from '../regime.ts'
import type { FilteredPosteriors } from './filter.ts'

export interface ContingencyOptions {
  /** Hours of the overall mix of regimes added to each state (a Dirichlet prior): keeps a rare state from certainty. */
  readonly smoothing: number
  /**
   * How far regime probabilities are freed of class frequency: P(regime | state) / P(regime)^balance, renormalised.
   * 0 leaves them as counted; at 1 every regime is as probable beforehand, so that the most probable regime is the
   * one that the state speaks for most, and no frequent regime swallows the others.
   */
  readonly balance: number
}

/** Hours that each state and regime have in common, weighted by the filtered posterior. */
export interface RegimeCounts {
  /** `[K, 3]` */
  readonly hours: Float64Array
}

/**
 * Adds the labelled rows of one sequence to `counts`. Filtered posteriors, not smoothed ones: the table must describe
 * what will be known when it is used.
 *
 * @param labels one per row; anything but 0, 1, 2 counts for nothing
 */
export function countRegimes(counts: RegimeCounts, posteriors: FilteredPosteriors, labels: Uint8Array): void {
  const regimes = REGIMES.length
  const states = counts.hours.length / regimes
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]
    if (label >= regimes) continue
    for (let k = 0; k < states; k++) {
      counts.hours[k * regimes + label] += posteriors.probabilities[row * states + k]
    }
  }
}

/**
 * P(regime | state) from the counts.
 *
 * @returns `[K, 3]`, rows sum to 1
 */
export function contingency(counts: RegimeCounts, options: ContingencyOptions): Float64Array {
  const regimes = REGIMES.length
  const states = counts.hours.length / regimes
  const table = new Float64Array(states * regimes)
  // One hour of each, so that a regime without a label is rare and not impossible.
  const share = new Float64Array(regimes).fill(1)
  for (let i = 0; i < table.length; i++) share[i % regimes] += counts.hours[i]
  const total = share.reduce((sum, hours) => sum + hours, 0)
  for (let r = 0; r < regimes; r++) share[r] /= total
  for (let k = 0; k < states; k++) {
    let sum = 0
    for (let r = 0; r < regimes; r++) {
      const hours = counts.hours[k * regimes + r] + options.smoothing * share[r]
      table[k * regimes + r] = hours / share[r] ** options.balance
      sum += table[k * regimes + r]
    }
    for (let r = 0; r < regimes; r++) table[k * regimes + r] /= sum
  }
  return table
}

/**
 * Order of the states by what they mean: from the one that speaks most for chop to the one that speaks least, so that
 * a refit with another seed numbers the same states alike.
 */
export function canonicalOrder(table: Float64Array): number[] {
  const regimes = REGIMES.length
  const states = table.length / regimes
  return Array.from({ length: states }, (_, k) => k).sort(
    (a, b) => table[b * regimes] - table[a * regimes] || table[b * regimes + 1] - table[a * regimes + 1] || a - b,
  )
}
