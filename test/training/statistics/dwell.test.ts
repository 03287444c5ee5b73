import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { hourlyOrder, NO_REGIME } from '#training/metrics.ts'
import { dwellTimes } from '#training/statistics/dwell.ts'

const series = (labels: number[]) => ({
  order: hourlyOrder(
    labels.map(() => 'A'),
    Float64Array.from(labels.keys(), (hour) => hour * HOUR),
  ),
  labels: Uint8Array.from(labels),
})
const dwell = (labels: number[]) => dwellTimes(series(labels).order, Uint8Array.from(labels))

describe('expected dwell time', () => {
  it('counts complete runs, and cut ones by the hours they were seen', () => {
    // chop 2 h (cut at the start), trend 3 h (complete), chop 2 h (cut at the end).
    const { chop, trend, reversal } = dwell([0, 0, 1, 1, 1, 0, 0])
    expect(trend).toEqual({ expectedHours: 3, completeRuns: 1, meanCompleteHours: 3, censoredRuns: 0 })
    // Two hours that ended in an exit, one that did not, and a last one of which nothing is known: 3 hours an exit.
    expect(chop).toEqual({ expectedHours: 3, completeRuns: 0, meanCompleteHours: Number.NaN, censoredRuns: 2 })
    expect(reversal).toEqual({
      expectedHours: Number.NaN,
      completeRuns: 0,
      meanCompleteHours: Number.NaN,
      censoredRuns: 0,
    })
  })

  it('is unknown for a regime that was never seen to end', () => {
    expect(dwell([1, 1, 1, 1]).trend).toMatchObject({ expectedHours: Number.NaN, censoredRuns: 1 })
    expect(dwell([]).chop.expectedHours).toBeNaN()
    expect(dwell([NO_REGIME, NO_REGIME]).chop.censoredRuns).toBe(0)
  })

  it('cuts runs at gaps, unanswered hours and another coin', () => {
    const asOf = Float64Array.of(0, 1, 5, 6, 0, 1).map((hour) => hour * HOUR)
    const order = hourlyOrder(['A', 'A', 'A', 'A', 'B', 'B'], asOf)
    expect(dwellTimes(order, Uint8Array.of(0, 0, 0, 0, 0, 0)).chop).toMatchObject({
      expectedHours: Number.NaN,
      completeRuns: 0,
      censoredRuns: 3,
    })
    expect(dwell([1, 0, 0, NO_REGIME, 0, 1]).chop).toMatchObject({
      completeRuns: 0,
      censoredRuns: 2,
      expectedHours: 2,
    })
  })

  it('recovers the true mean of a Markov chain from short pieces, where the runs as they are fall short', () => {
    const random = createRandom(1)
    const coins: string[] = []
    const asOf: number[] = []
    const labels: number[] = []
    for (let piece = 0; piece < 500; piece++) {
      let regime = random.integer(3)
      for (let hour = 0; hour < 30; hour++) {
        coins.push(`C${piece}`)
        asOf.push(hour * HOUR)
        labels.push(regime)
        if (random.uniform() < 1 / 20) regime = (regime + 1 + random.integer(2)) % 3
      }
    }
    const times = dwellTimes(hourlyOrder(coins, Float64Array.from(asOf)), Uint8Array.from(labels))
    for (const { expectedHours, meanCompleteHours } of Object.values(times)) {
      expect(expectedHours).toBeGreaterThan(17)
      expect(expectedHours).toBeLessThan(23)
      expect(meanCompleteHours).toBeLessThan(12)
    }
  })

  it('is one over the chance to leave, counted over neighbouring hours', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1, 2, NO_REGIME), { maxLength: 60 }), (labels) => {
        const times = Object.values(dwell(labels))
        for (let k = 0; k < 3; k++) {
          const pairs = labels.slice(1).filter((now, i) => labels[i] === k && now !== NO_REGIME)
          const exits = pairs.filter((now) => now !== k).length
          if (exits === 0) expect(times[k].expectedHours).toBeNaN()
          else expect(times[k].expectedHours).toBeCloseTo(pairs.length / exits, 9)
        }
      }),
    )
  })
})
