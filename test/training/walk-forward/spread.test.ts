import { describe, expect, it } from 'vitest'
import { spread } from '#training/walk-forward/spread.ts'

describe('spread', () => {
  it('keeps what seeds do apart from what folds do', () => {
    const result = spread([
      [1, 3],
      [5, 7],
    ])
    expect(result.mean).toBe(4)
    expect(result.n).toBe(4)
    expect(result.sd).toBeCloseTo(Math.sqrt(20 / 3), 12)
    expect(result.sdSeeds).toBeCloseTo(Math.SQRT2, 12)
    expect(result.sdFolds).toBeCloseTo(Math.sqrt(8), 12)
  })

  it('has no deviation where there is nothing to deviate from', () => {
    expect(spread([[0.5]])).toEqual({ mean: 0.5, sd: Number.NaN, sdSeeds: Number.NaN, sdFolds: Number.NaN, n: 1 })
    expect(spread([[0.5], [0.7]]).sdSeeds).toBeNaN()
    expect(spread([[0.5], [0.7]]).sdFolds).toBeCloseTo(0.1 * Math.SQRT2, 12)
    expect(spread([[]]).mean).toBeNaN()
  })

  it('leaves out what was not measured', () => {
    expect(spread([[1, Number.NaN, 3], [Number.NaN]])).toMatchObject({ mean: 2, n: 2 })
  })
})
