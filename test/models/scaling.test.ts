import { describe, expect, test } from 'vitest'
import { InputError } from '#data/errors.ts'
import { fitScaling } from '#models/scaling.ts'

describe('scaling', () => {
  test('is the median and the interquartile range over all blocks, missing values left out', () => {
    const blocks = [Float32Array.of(1, 10, Number.NaN, 30, 3, Number.NaN), Float32Array.of(4, 20, 2, 50)]
    // 1 2 3 4 and 10 20 30 50, quantiles by linear interpolation.
    expect(fitScaling(['a', 'b'], blocks)).toEqual({ channels: ['a', 'b'], median: [2.5, 25], iqr: [1.5, 17.5] })
  })

  test('takes 1.349 standard deviations where more than half of the values are one number', () => {
    const values = Float32Array.of(5, 5, 5, 5, 5, 5, 5, 5, 5, 15)
    const { median, iqr } = fitScaling(['funding'], [values])
    expect(median).toEqual([5])
    expect(iqr[0]).toBeCloseTo(3 * 1.349, 10)
  })

  test.each([
    ['no value', Float32Array.of(Number.NaN, Number.NaN), '"range" is missing in the whole training set'],
    ['one value only', Float32Array.of(2, 2, 2), '"range" has one value only'],
    ['one value only, whose mean is rounded', new Float32Array(570).fill(1.25), '"range" has one value only'],
  ])('is refused for a channel with %s', (_, values, message) => {
    expect(() => fitScaling(['range'], [values])).toThrow(InputError)
    expect(() => fitScaling(['range'], [values])).toThrow(message)
  })
})
