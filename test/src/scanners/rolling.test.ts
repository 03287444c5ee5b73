import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { meanTrueRange, percentileRanks, returnVolatility } from '#src/scanners/rolling.ts'
import { barsFrom, START, without } from '../market.ts'

describe('percentile ranks', () => {
  it('run from 0 to 1, and equal values share their mean', () => {
    expect([...percentileRanks(Float64Array.of(5, -1, 3, 9, 4))]).toEqual([0.75, 0, 0.25, 1, 0.5])
    expect([...percentileRanks(Float64Array.of(2, 7, 2, 2, 9))]).toEqual([0.25, 0.75, 0.25, 0.25, 1])
    expect([...percentileRanks(Float64Array.of(3, 3, 3))]).toEqual([0.5, 0.5, 0.5])
  })

  it('mirror where the values change sign, and average one half', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 2, maxLength: 30 }), (values) => {
        const ranks = percentileRanks(Float64Array.from(values))
        const mirrored = percentileRanks(Float64Array.from(values, (value) => -value))
        for (const [i, rank] of ranks.entries()) expect(mirrored[i]).toBeCloseTo(1 - rank, 12)
        expect(ranks.reduce((sum, rank) => sum + rank, 0) / values.length).toBeCloseTo(0.5, 12)
      }),
      { seed: 3 },
    )
  })
})

describe('windows', () => {
  const bars = barsFrom('TEST', [100, 110, 99, 99, 108.9])

  it('measure root mean square returns and true ranges', () => {
    const squares = [Math.log(1.1) ** 2, Math.log(0.9) ** 2, 0, Math.log(1.1) ** 2]
    expect(returnVolatility(bars, 1, 5, 4)).toBeCloseTo(Math.sqrt(squares.reduce((a, b) => a + b) / 4), 14)
    expect(meanTrueRange(bars, 1, 5, 4)).toBeCloseTo((0.1 + 0.1 + 0 + 0.1) / 4, 14)
  })

  it('count a gap against the close before it as range, and leave out what spans an absent hour', () => {
    bars.high[4] = 108.9
    bars.low[4] = 107
    expect(meanTrueRange(bars, 4, 5, 1)).toBeCloseTo(9.9 / 99, 14)
    const holed = without(bars, (row) => row === 3)
    expect(holed.openTime[3] - holed.openTime[2]).toBe(2 * HOUR)
    expect(holed.openTime[0]).toBe(START)
    expect(meanTrueRange(holed, 3, 4, 1)).toBeNaN()
    expect(returnVolatility(holed, 1, 4, 2)).toBeCloseTo(Math.sqrt((Math.log(1.1) ** 2 + Math.log(0.9) ** 2) / 2), 14)
    expect(returnVolatility(holed, 1, 4, 3)).toBeNaN()
  })
})
