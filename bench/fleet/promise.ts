/** One line on a promise: what was promised, what was measured, whether it was kept. */
export function promise(words: string, measured: string, kept: boolean): string {
  return `${kept ? 'kept    ' : 'NOT KEPT'}  promised: ${words}; measured: ${measured}`
}

/** Middle value; the lower one of two. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The smallest value that is not below the share `q` of all. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]
}

/** `12,345` */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
