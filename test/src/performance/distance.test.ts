import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { distanceToBacktest } from '#src/performance/distance.ts'

const told = (from: number, ...equity: number[]) =>
  equity.map((value, i) => ({ time: (from + i) * HOUR, equity: value }))

describe('distance of paper to a backtest', () => {
  it('compares what both earned over paper’s hours, whatever they began with', () => {
    const paper = told(3, 1000, 1010, 980, 1005)
    const backtest = told(0, 500, 600, 700, 2000, 2010, 2000, 2010, 9999)
    expect(distanceToBacktest(paper, backtest)).toEqual({ greatest: 0.02, at: 5 * HOUR, difference: -5, hours: 4 })
    expect(distanceToBacktest(paper, backtest, 500)).toMatchObject({ greatest: 0.04 })
    expect(distanceToBacktest(paper, paper)).toMatchObject({ greatest: 0, difference: 0 })
  })

  it('is unavailable where the backtest leaves an hour out', () => {
    const paper = told(0, 1000, 1010, 980)
    expect(distanceToBacktest(paper, told(0, 1000, 1010))).toEqual({
      unavailable: 'the backtest lacks 1 of 3 hours of paper, first 1970-01-01T02:00:00.000Z',
    })
    expect(distanceToBacktest(told(0, 1000), paper)).toHaveProperty('unavailable')
    expect(distanceToBacktest(told(0, 0, 1), told(0, 0, 1))).toHaveProperty('unavailable')
  })
})
