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
      for (let unit = start; unit < start + block; unit++) {
        const after = unit * column + (step + 1) * count
        drift(states, after, count, drifts, unit * row + step * count)
        let entry = unit * block * row + step * count
        let source = start * column + step * count
        let left = block
        for (; left >= 4; left -= 4, entry += 4 * row, source += 4 * column) {
          addFour(states, after, count, transitions, entry, row, source, column)
        }
        for (; left > 0; left--, entry += row, source += column) {
          addOne(states, after, count, transitions, entry, source)
        }
        hold(states, after, count)
      }
    }
  }
  return states
}

// The loops over a batch, each a function of its own: the compiler makes fast code of a small function that is called
// often, and slow code of a nest of loops that it meets in the middle.

function drift(states: Float32Array, after: number, count: number, drifts: Float32Array, at: number): void {
  for (let n = 0; n < count; n++) states[after + n] = states[after - count + n] + drifts[at + n]
}

/** Adds four columns of A h: three of four sums stay in a register. */
function addFour(
  states: Float32Array,
  after: number,
  count: number,
  transitions: Float32Array,
  entry: number,
  row: number,
  source: number,
  column: number,
): void {
  const [entry1, entry2, entry3] = [entry + row, entry + 2 * row, entry + 3 * row]
  const [source1, source2, source3] = [source + column, source + 2 * column, source + 3 * column]
  for (let n = 0; n < count; n++) {
    states[after + n] +=
      transitions[entry + n] * states[source + n] +
      transitions[entry1 + n] * states[source1 + n] +
      transitions[entry2 + n] * states[source2 + n] +
      transitions[entry3 + n] * states[source3 + n]
  }
}

function addOne(
  states: Float32Array,
  after: number,
  count: number,
  transitions: Float32Array,
  entry: number,
  source: number,
): void {
  for (let n = 0; n < count; n++) states[after + n] += transitions[entry + n] * states[source + n]
}

function hold(states: Float32Array, after: number, count: number): void {
  for (let n = after; n < after + count; n++) {
    if (states[n] > STATE_LIMIT) states[n] = STATE_LIMIT
    else if (states[n] < -STATE_LIMIT) states[n] = -STATE_LIMIT
  }
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
        pullHold(states, after, count, gradients, unit * count, drifts, unit * row + step * count)
      }
      for (let unit = start; unit < start + block; unit++) {
        const at = unit * row + step * count
        let entry = unit * block * row + step * count
        let source = start * column + step * count
        let target = start * count
        let left = block
        for (; left >= 2; left -= 2, entry += 2 * row, source += 2 * column, target += 2 * count) {
          pullTwo(drifts, at, count, transitions, entry, row, states, source, column, gradients, target)
        }
        if (left === 1) pullOne(drifts, at, count, transitions, entry, states, source, gradients, target)
      }
    }
  }
}

/** The gradient at h after a step is that at the drift, and at h before it. */
function pullHold(
  states: Float32Array,
  after: number,
  count: number,
  gradients: Float32Array,
  target: number,
  drifts: Float32Array,
  at: number,
): void {
  for (let n = 0; n < count; n++) {
    // A unit at the limit was held there: nothing before it moves it.
    if (Math.abs(states[after + n]) === STATE_LIMIT) gradients[target + n] = 0
    drifts[at + n] = gradients[target + n]
  }
}

/** Two columns of A h: their share of the gradient at h, and the gradient at their entries. */
function pullTwo(
  drifts: Float32Array,
  at: number,
  count: number,
  transitions: Float32Array,
  entry: number,
  row: number,
  states: Float32Array,
  source: number,
  column: number,
  gradients: Float32Array,
  target: number,
): void {
  const [entry1, source1, target1] = [entry + row, source + column, target + count]
  for (let n = 0; n < count; n++) {
    const gradient = drifts[at + n]
    gradients[target + n] += transitions[entry + n] * gradient
    gradients[target1 + n] += transitions[entry1 + n] * gradient
    transitions[entry + n] = gradient * states[source + n]
    transitions[entry1 + n] = gradient * states[source1 + n]
  }
}

function pullOne(
  drifts: Float32Array,
  at: number,
  count: number,
  transitions: Float32Array,
  entry: number,
  states: Float32Array,
  source: number,
  gradients: Float32Array,
  target: number,
): void {
  for (let n = 0; n < count; n++) {
    const gradient = drifts[at + n]
    gradients[target + n] += transitions[entry + n] * gradient
    transitions[entry + n] = gradient * states[source + n]
  }
}
