/**
 * p values corrected for their number by Holm's step-down rule (Holm 1979, "A simple sequentially rejective multiple
 * test procedure"): a corrected p below alpha keeps the chance of even one false finding among all tests below
 * alpha, however the tests depend on each other.
 *
 * Count every test that was looked at, not only the ones worth telling: that is the whole point.
 *
 * @param p in [0, 1]; `NaN` (a test that could not be done) stays `NaN` and is not counted
 * @returns in the order given
 */
export function holm(p: readonly number[]): number[] {
  const order = [...p.keys()].filter((i) => !Number.isNaN(p[i])).sort((a, b) => p[a] - p[b])
  const corrected = new Array<number>(p.length).fill(Number.NaN)
  let largest = 0
  order.forEach((i, rank) => {
    largest = Math.max(largest, Math.min(1, p[i] * (order.length - rank)))
    corrected[i] = largest
  })
  return corrected
}
