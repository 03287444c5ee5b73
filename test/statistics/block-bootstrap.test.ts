import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { blockBootstrap, sumByHour } from '#statistics/block-bootstrap.ts'

/** Sums of `values`, one sample an hour. */
function sumsOf(values: number[]) {
  const asOf = Float64Array.from(values.keys(), (hour) => hour * HOUR)
  return sumByHour(
    asOf,
    1,
    () => true,
    (i, cells, at) => {
      cells[at] += values[i]
    },
  )
}

const total = (totals: Float64Array) => totals[0]

describe('the block bootstrap', () => {
  it('draws as many hours as there are, also where blocks do not fill them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 30 }), (blockHours, more) => {
        const hours = 5 * blockHours + more
        const sums = sumsOf(new Array<number>(hours).fill(1))
        const answer = blockBootstrap(sums, total, total, { blockHours, resamples: 20, random: createRandom(more) })
        expect(answer).toMatchObject({ estimate: hours, low: hours, high: hours, hours })
      }),
    )
  })

  it('draws consecutive hours only', () => {
    // Neighbours cancel, so any two hours in a row add up to nothing.
    const sums = sumsOf(Array.from({ length: 100 }, (_, hour) => (hour % 2 === 0 ? 1 : -1)))
    const inBlocks = blockBootstrap(sums, total, total, { blockHours: 2, resamples: 500, random: createRandom(1) })
    expect([inBlocks.low, inBlocks.high]).toEqual([0, 0])
    const alone = blockBootstrap(sums, total, total, { blockHours: 1, resamples: 500, random: createRandom(1) })
    expect(alone.high).toBeGreaterThan(10)
  })

  it('has the standard error of the mean where hours are independent', () => {
    const random = createRandom(2)
    const values = Array.from({ length: 400 }, () => random.normal())
    const mean = (totals: Float64Array) => totals[0] / 400
    const { low, high } = blockBootstrap(sumsOf(values), mean, mean, { blockHours: 1, level: 0.95, random })
    expect((high - low) / (2 * 1.96 * 0.05)).toBeGreaterThan(0.9)
    expect((high - low) / (2 * 1.96 * 0.05)).toBeLessThan(1.1)
  })

  it('is wider at a higher level and the same for the same seed', () => {
    const random = createRandom(3)
    const sums = sumsOf(Array.from({ length: 200 }, () => random.normal()))
    const at = (level: number) => blockBootstrap(sums, total, total, { blockHours: 8, level, random: createRandom(4) })
    expect(at(0.99).high).toBeGreaterThan(at(0.9).high)
    expect(at(0.99).low).toBeLessThan(at(0.9).low)
    expect(at(0.9)).toEqual(at(0.9))
  })

  it('keeps the samples of an hour together and skips hours without any', () => {
    const asOf = Float64Array.of(3, 3, 9, 1).map((hour) => hour * HOUR)
    const sums = sumByHour(
      asOf,
      1,
      (i) => i !== 3,
      (i, cells, at) => {
        cells[at] += 10 ** i
      },
    )
    expect(sums).toEqual({ hours: 2, samples: 3, width: 1, running: Float64Array.of(0, 11, 111) })
  })
})
