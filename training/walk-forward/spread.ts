/** A figure over folds and seeds. */
export interface Spread {
  readonly mean: number
  /** Sample standard deviation over all folds and seeds; `NaN` for a single value. */
  readonly sd: number
  /** Standard deviation over seeds within a fold, root mean square over folds; `NaN` with one seed. */
  readonly sdSeeds: number
  /** Standard deviation over folds of the means over seeds; `NaN` with one fold. */
  readonly sdFolds: number
  /** Values that went in. */
  readonly n: number
}

const known = (values: readonly number[]) => values.filter((value) => !Number.isNaN(value))
const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

/** Sample standard deviation (n - 1); `NaN` for fewer than two values. */
function deviation(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN
  const mean = meanOf(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}

/**
 * Mean and deviations of a figure.
 *
 * @param byFold one list a fold, one value a seed; `NaN` values were not measured and do not count
 */
export function spread(byFold: readonly (readonly number[])[]): Spread {
  const folds = byFold.map(known)
  const all = folds.flat()
  const withSeeds = known(folds.map(deviation))
  return {
    mean: meanOf(all),
    sd: deviation(all),
    sdSeeds: Math.sqrt(meanOf(withSeeds.map((value) => value ** 2))),
    sdFolds: deviation(known(folds.map(meanOf))),
    n: all.length,
  }
}
