/**
 * The distribution under which `counts` are most likely among those whose every probability is at least `floor`.
 * A positive floor keeps every state reachable from every other, so the filter can always recover.
 *
 * @param counts read at `from`, `n` numbers, zero or more
 * @param probabilities receives `n` numbers at `from`
 */
export function flooredDistribution(
  counts: Float64Array,
  from: number,
  n: number,
  floor: number,
  probabilities: Float64Array,
): void {
  const raised = new Uint8Array(n)
  for (;;) {
    let free = 1
    let total = 0
    let unraised = 0
    for (let i = 0; i < n; i++) {
      if (raised[i]) free -= floor
      else {
        total += counts[from + i]
        unraised++
      }
    }
    let changed = false
    for (let i = 0; i < n; i++) {
      if (raised[i]) {
        probabilities[from + i] = floor
        continue
      }
      // Without any count nothing is known: all alike.
      probabilities[from + i] = total > 0 ? free * (counts[from + i] / total) : free / unraised
      if (probabilities[from + i] < floor) {
        raised[i] = 1
        changed = true
      }
    }
    if (!changed) return
  }
}
