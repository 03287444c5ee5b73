/**
 * Row numbers that draw a long series with few points: of every stretch the rows of its smallest and its largest
 * value, so that no spike is lost. The first and the last row always stay.
 *
 * @param values `[n]`; a stretch of `NaN` only keeps its first row, so that a hole stays a hole
 * @param limit largest number of rows wanted (at least 4)
 * @returns ascending row numbers; all of them when there are no more than `limit`
 */
export function thin(values: readonly number[], limit: number): Uint32Array {
  const n = values.length
  if (n <= limit) return Uint32Array.from(values.keys())
  const stretches = Math.max(1, Math.floor((limit - 2) / 2))
  const rows: number[] = [0]
  const keep = (row: number) => {
    if (row > (rows.at(-1) as number)) rows.push(row)
  }
  for (let s = 0; s < stretches; s++) {
    const start = Math.floor((s * n) / stretches)
    const end = Math.floor(((s + 1) * n) / stretches)
    let low = start
    let high = start
    for (let i = start; i < end; i++) {
      if (Number.isNaN(values[i])) continue
      if (Number.isNaN(values[low]) || values[i] < values[low]) low = i
      if (Number.isNaN(values[high]) || values[i] > values[high]) high = i
    }
    keep(Math.min(low, high))
    keep(Math.max(low, high))
  }
  keep(n - 1)
  return Uint32Array.from(rows)
}
