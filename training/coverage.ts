import { HOUR, type TimeRange } from '#data/bars.ts'
import { FEATURES, type FeatureTable } from '#data/features.ts'
import type { DataNotice } from '#data/provider.ts'
import { hourText } from '#data/providers/series.ts'
import type { Market } from './dataset.ts'

/** Rows of `table` in the range that can be learned from or asked about: those past the warm-up. */
function usableRows({ asOf, sigma }: FeatureTable, within: TimeRange): number[] {
  const rows: number[] = []
  for (let row = 0; row < asOf.length; row++) {
    if (asOf[row] >= within.from && asOf[row] < within.to && !Number.isNaN(sigma[row])) rows.push(row)
  }
  return rows
}

/** Features of which a coin has no value in any usable row. */
function absentFeatures(table: FeatureTable, rows: readonly number[]): string[] {
  const width = FEATURES.length
  return FEATURES.filter((_, c) => rows.every((row) => Number.isNaN(table.values[row * width + c])))
}

/**
 * Remarks on coins whose bars come to less than a reader would expect: no hour with features (too short a history, or a
 * price that never moves), or a feature that this coin lacks throughout and others have.
 */
export function remarksOnUse(markets: readonly Market[], within: TimeRange): DataNotice[] {
  const usable = markets.map(({ features }) => usableRows(features, within))
  const absent = markets.map(({ features }, i) => absentFeatures(features, usable[i]))
  const everywhere = FEATURES.filter((feature) => absent.every((features) => features.includes(feature)))
  return markets.flatMap(({ features: { coin } }, i): DataNotice[] => {
    if (usable[i].length === 0) {
      const message = 'not used, no hour has features: they need a week of hourly bars whose price moves'
      return [{ coin, kind: 'unavailable', message }]
    }
    const lacks = absent[i].filter((feature) => !everywhere.includes(feature as (typeof FEATURES)[number]))
    if (lacks.length === 0) return []
    return [{ coin, kind: 'unavailable', message: `has no value of ${lacks.join(', ')} in any hour` }]
  })
}

/** Remarks on coins that are to be evaluated and have no usable hour in the test period. */
export function remarksOnTest(markets: readonly Market[], test: TimeRange): DataNotice[] {
  const always: TimeRange = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY }
  return markets.flatMap(({ features }): DataNotice[] => {
    const usable = usableRows(features, always)
    // Without any usable hour there is a remark already.
    if (usable.length === 0 || usableRows(features, test).length > 0) return []
    const [first, last] = [usable[0], usable[usable.length - 1]].map((row) => hourText(features.asOf[row]))
    const message =
      `not evaluated: its hours with features, ${first} to ${last}, lie outside the test period, ` +
      `${hourText(test.from)} to ${hourText(test.to - HOUR)}`
    return [{ coin: features.coin, kind: 'unavailable', message }]
  })
}
