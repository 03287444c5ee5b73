import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { checkEstimates, estimateAt } from '#src/estimates.ts'

const series = {
  asOf: Float64Array.of(10 * HOUR, 11 * HOUR, 14 * HOUR),
  probabilities: Float32Array.of(0.5, 0.25, 0.25, Number.NaN, Number.NaN, Number.NaN, 0.25, 0.25, 0.5),
}

describe('estimates', () => {
  it('gives the estimate of the hour, and an older one only as far as allowed', () => {
    expect(estimateAt(series, 10 * HOUR, 0)).toEqual([0.5, 0.25, 0.25])
    expect(estimateAt(series, 15 * HOUR, 0)).toBeUndefined()
    expect(estimateAt(series, 15 * HOUR, 1)).toEqual([0.25, 0.25, 0.5])
    expect(estimateAt(series, 16 * HOUR, 1)).toBeUndefined()
    expect(estimateAt(series, 9 * HOUR, 5)).toBeUndefined()
  })

  it('has none where the row is not a probability vector or there is no series', () => {
    expect(estimateAt(series, 11 * HOUR, 5)).toBeUndefined()
    expect(estimateAt(undefined, 11 * HOUR, 5)).toBeUndefined()
    const wrong = { asOf: Float64Array.of(0), probabilities: Float32Array.of(0.9, 0.9, 0.9) }
    expect(estimateAt(wrong, 0, 0)).toBeUndefined()
  })

  it('refuses columns that do not fit and time that does not ascend', () => {
    expect(() => checkEstimates('BTC', { ...series, probabilities: new Float32Array(3) })).toThrow(/BTC: 3 estimates/)
    const asOf = Float64Array.of(HOUR, HOUR, 2 * HOUR)
    expect(() => checkEstimates('BTC', { ...series, asOf })).toThrow(/row 1/)
  })
})
