import { STATE_LIMIT } from './blocks.ts'

/** Sizes of a batch of linear recurrences; A has `hidden / block` diagonal blocks. */
export interface RecurrenceSize {
  readonly steps: number
  readonly count: number
  readonly hidden: number
  readonly block: number
}

/**
 * Runs h(k+1) = h(k) + A_k h(k) + b_k, held within the limit, for every sequence of a batch.
 *
 * Everything lies unit after unit, then step after step, the sequences of the batch side by side: the inner loops run
 * over neighbours, and the large products around them take and give these arrays as they are.
 *
 * @param initial h(0), `[hidden, count]`
 * @param transitions A_k, its blocks row after row, `[hidden, block, steps, count]`
 * @param drifts b_k, `[hidden, steps, count]`
 * @returns h(0) to h(T), `[hidden, steps + 1, count]`
 */
export function runRecurrence(
  { steps, count, hidden, block }: RecurrenceSize,
  initial: Float32Array,
  transitions: Float32Array,
  drifts: Float32Array,
): Float32Array {
  const states = new Float32Array(hidden * (steps + 1) * count)
  // From a unit's row of entries, or its states, to the next unit's.
  const row = steps * count
  const column = (steps + 1) * count
  for (let unit = 0; unit < hidden; unit++) {
    states.set(initial.subarray(unit * count, (unit + 1) * count), unit * column)
  }
  for (let start = 0; start < hidden; start += block) {
    for (let step = 0; step < steps; step++) {
      const source = start * column + step * count
      for (let unit = start; unit < start + block; unit++) {
        const before = unit * column + step * count
        const after = before + count
        const drift = unit * row + step * count
        const entry = unit * block * row + step * count
        for (let n = 0; n < count; n++) {
          let value = states[before + n] + drifts[drift + n]
          for (let j = 0, a = entry + n, h = source + n; j < block; j++, a += row, h += column) {
            value += transitions[a] * states[h]
          }
          states[after + n] = Math.max(-STATE_LIMIT, Math.min(STATE_LIMIT, value))
        }
      }
    }
  }
  return states
}

/**
 * Pulls the gradient at h(T) back through {@link runRecurrence}. What it went through is overwritten by its own gradient,
 * which spares a second array of the batch's largest size.
 *
 * @param states what the run returned
 * @param transitions A_k; afterwards the gradient at them
 * @param drifts b_k; afterwards the gradient at them
 * @param gradients gradient at h(T), `[hidden, count]`; afterwards that at h(0)
 */
export function pullBackRecurrence(
  { steps, count, hidden, block }: RecurrenceSize,
  states: Float32Array,
  transitions: Float32Array,
  drifts: Float32Array,
  gradients: Float32Array,
): void {
  const row = steps * count
  const column = (steps + 1) * count
  for (let start = 0; start < hidden; start += block) {
    for (let step = steps - 1; step >= 0; step--) {
      for (let unit = start; unit < start + block; unit++) {
        const after = unit * column + (step + 1) * count
        const drift = unit * row + step * count
        for (let n = 0; n < count; n++) {
          // A unit at the limit was held there: nothing before it moves it.
          if (Math.abs(states[after + n]) === STATE_LIMIT) gradients[unit * count + n] = 0
          drifts[drift + n] = gradients[unit * count + n]
        }
      }
      const firstDrift = start * row + step * count
      for (let j = 0; j < block; j++) {
        const source = (start + j) * column + step * count
        const target = (start + j) * count
        const entry = (start * block + j) * row + step * count
        for (let n = 0; n < count; n++) {
          const state = states[source + n]
          let gradient = gradients[target + n]
          for (let i = 0, a = entry + n, b = firstDrift + n; i < block; i++, a += block * row, b += row) {
            gradient += transitions[a] * drifts[b]
            transitions[a] = drifts[b] * state
          }
          gradients[target + n] = gradient
        }
      }
    }
  }
}
