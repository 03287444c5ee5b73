import { chiSquaredTail } from '#statistics/distributions.ts'

/** What is known of one group. */
export interface GroupSummary {
  readonly count: number
  /** `NaN` for an empty group. */
  readonly median: number
  /** Mean rank among all values, 1 the smallest; `NaN` for an empty group. */
  readonly meanRank: number
}

/** Kruskal-Wallis test of one location for all groups. */
export interface KruskalWallis {
  /** H with the correction for ties; `NaN` for fewer than two groups with values, or where all values are one. */
  readonly statistic: number
  /** Epsilon squared, `H / (n - 1)`: the share of the variance of the ranks that lies between groups, 0 to 1. */
  readonly effect: number
  /**
   * p by the chi-squared law, which holds for **independent** values only. Hours of a market are not: this p is far
   * too small for them, use the one of `blockShuffleTest`.
   */
  readonly independentP: number
  readonly groups: readonly GroupSummary[]
}

/** Indices of the values that are not `NaN`, ascending by value. */
export function ascending(value: ArrayLike<number>): Uint32Array {
  const known: number[] = []
  for (let i = 0; i < value.length; i++) if (!Number.isNaN(value[i])) known.push(i)
  return Uint32Array.from(known).sort((a, b) => value[a] - value[b] || a - b)
}

/**
 * Kruskal-Wallis H over `size` groups with the correction for ties (Kruskal and Wallis 1952; as SciPy's `kruskal`
 * once the empty groups are left out).
 *
 * @param order from {@link ascending}
 * @param groupOf the group of sample `i`, 0 to `size - 1`; any other number leaves the sample out
 * @param rankSums `[size]`, written: sum of the ranks of each group
 * @param counts `[size]`, written
 * @returns `NaN` for fewer than two groups with values, or where all values are one
 */
export function kruskalStatistic(
  order: Uint32Array,
  value: ArrayLike<number>,
  groupOf: (i: number) => number,
  rankSums: Float64Array,
  counts: Float64Array,
): number {
  const size = counts.length
  rankSums.fill(0)
  counts.fill(0)
  const tied = new Float64Array(size)
  let n = 0
  let ties = 0
  for (let at = 0; at < order.length; ) {
    const level = value[order[at]]
    let count = 0
    tied.fill(0)
    for (; at < order.length && value[order[at]] === level; at++) {
      const group = groupOf(order[at])
      if (group >= size) continue
      tied[group]++
      count++
    }
    // Equal values share the mean of the ranks n + 1 .. n + count.
    for (let k = 0; k < size; k++) rankSums[k] += tied[k] * (n + (count + 1) / 2)
    for (let k = 0; k < size; k++) counts[k] += tied[k]
    ties += count ** 3 - count
    n += count
  }
  let between = 0
  let groups = 0
  for (let k = 0; k < size; k++) {
    if (counts[k] === 0) continue
    between += rankSums[k] ** 2 / counts[k]
    groups++
  }
  if (groups < 2) return Number.NaN
  return ((12 / (n * (n + 1))) * between - 3 * (n + 1)) / (1 - ties / (n ** 3 - n))
}

/**
 * Kruskal-Wallis test over groups 0 to `size - 1`.
 *
 * @param group `[n]`; a number of `size` or more (`NO_REGIME`) leaves the sample out
 * @param value `[n]`; `NaN` leaves the sample out
 */
export function kruskalWallis(group: Uint8Array, value: ArrayLike<number>, size: number): KruskalWallis {
  const rankSums = new Float64Array(size)
  const counts = new Float64Array(size)
  const order = ascending(value)
  const statistic = kruskalStatistic(order, value, (i) => group[i], rankSums, counts)
  const n = counts.reduce((sum, count) => sum + count, 0)
  const filled = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0)
  const medians = groupMedians(order, group, value, counts)
  return {
    statistic,
    effect: statistic / (n - 1),
    independentP: chiSquaredTail(Math.max(statistic, 0), filled - 1),
    groups: medians.map((median, k) => ({ count: counts[k], median, meanRank: rankSums[k] / counts[k] })),
  }
}

function groupMedians(order: Uint32Array, group: Uint8Array, value: ArrayLike<number>, counts: Float64Array): number[] {
  const sorted = Array.from(counts, (): number[] => [])
  for (const i of order) if (group[i] < counts.length) sorted[group[i]].push(value[i])
  return sorted.map((values) => {
    if (values.length === 0) return Number.NaN
    const half = (values.length - 1) / 2
    return (values[Math.floor(half)] + values[Math.ceil(half)]) / 2
  })
}
