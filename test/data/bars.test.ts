import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  allocateBars,
  asOf,
  type Bars,
  barsKnownAt,
  barsWithin,
  checkBars,
  floorToHour,
  gaps,
  HOUR,
  lowerBound,
} from '#data/bars.ts'
import { dataHash } from '#data/data-hash.ts'
import { InputError } from '#data/errors.ts'

const START = Date.UTC(2025, 0, 1)

function barsAt(hours: readonly number[], coin = 'BTC'): Bars {
  const bars = allocateBars(coin, hours.length)
  hours.forEach((hour, i) => {
    bars.openTime[i] = START + hour * HOUR
    bars.open[i] = 10
    bars.high[i] = 12
    bars.low[i] = 9
    bars.close[i] = 11
    bars.volume[i] = 0
  })
  return bars
}
const sortedHours = fc.uniqueArray(fc.integer({ min: 0, max: 100 })).map((list) => list.sort((a, b) => a - b))

describe('bars', () => {
  it('are known an hour after they open', () => {
    expect(asOf(barsAt([3]), 0)).toBe(START + 4 * HOUR)
    expect(floorToHour(START + HOUR - 1)).toBe(START)
  })

  it('are not known a millisecond too early', () => {
    expect(barsKnownAt(barsAt([3]), START + 4 * HOUR).openTime).toHaveLength(1)
    expect(barsKnownAt(barsAt([3]), START + 4 * HOUR - 1).openTime).toHaveLength(0)
  })

  it.each([
    ['low', 0],
    ['high', Number.POSITIVE_INFINITY],
    ['volume', Number.POSITIVE_INFINITY],
    ['volume', Number.NaN],
    ['funding', -0.05],
    ['openInterest', -1],
    ['openInterest', Number.POSITIVE_INFINITY],
    ['openTime', 9e15],
  ] as const)('are refused for a value that cannot be: %s %d', (field, value) => {
    const bars = barsAt([1])
    bars[field][0] = value
    if (field === 'openTime') bars.close[0] = Number.NaN
    expect(() => checkBars(bars)).toThrow(InputError)
    expect(() => checkBars(bars)).toThrow(field === 'openTime' ? 'BTC bar 9000000000000000: close' : `${field} must`)
  })

  it('known at a moment are those that have closed', () => {
    const time = fc.integer({ min: -HOUR, max: 105 * HOUR })
    fc.assert(
      fc.property(sortedHours, time, (hours, past) => {
        const known = barsKnownAt(barsAt(hours), START + past)
        expect(known.openTime).toHaveLength(hours.filter((hour) => (hour + 1) * HOUR <= past).length)
      }),
    )
  })

  it('within a range are those opened from its start to before its end', () => {
    const bars = barsAt([1, 2, 5, 6])
    const within = barsWithin(bars, { from: START + 2 * HOUR, to: START + 6 * HOUR })
    expect(Array.from(within.openTime)).toEqual([START + 2 * HOUR, START + 5 * HOUR])
    expect(within.close.buffer).toBe(bars.close.buffer)
  })

  it('are found by binary search as by looking at each', () => {
    fc.assert(
      fc.property(sortedHours, fc.integer({ min: -1, max: 101 }), (hours, hour) => {
        const found = hours.findIndex((one) => one >= hour)
        expect(lowerBound(Float64Array.from(hours), hour)).toBe(found < 0 ? hours.length : found)
      }),
    )
  })

  it('have gaps where hours are absent, and with them make up the whole', () => {
    fc.assert(
      fc.property(sortedHours, (hours) => {
        const absent = gaps(barsAt(hours).openTime).reduce((sum, gap) => sum + gap.hours, 0)
        const span = hours.length === 0 ? 0 : hours[hours.length - 1] - hours[0] + 1
        expect(hours.length + absent).toBe(span)
      }),
    )
  })

  it.each<[string, (bars: Bars) => void, RegExp]>([
    ['a stamp within the hour', (bars) => (bars.openTime[1] += 5), /openTime must be a full hour/],
    ['a stamp that repeats', (bars) => (bars.openTime[1] = bars.openTime[0]), /openTime must be after the bar before/],
    [
      'an open that is missing',
      (bars) => (bars.open[1] = Number.NaN),
      /2025-01-01T01.*open must be a positive number, got NaN/,
    ],
    ['a close of zero', (bars) => (bars.close[1] = 0), /close must be a positive number/],
    ['a high below the close', (bars) => (bars.high[1] = 10.5), /high must not be below open or close, got 10.5/],
    ['a low above the open', (bars) => (bars.low[1] = 10.5), /low must not be above open or close/],
    ['a negative volume', (bars) => (bars.volume[1] = -1), /volume must be zero or more, got -1/],
  ])('are refused for %s', (_, spoil, message) => {
    const bars = barsAt([0, 1, 2])
    checkBars(bars)
    spoil(bars)
    expect(() => checkBars(bars)).toThrow(InputError)
    expect(() => checkBars(bars)).toThrow(message)
  })
})

describe('the hash of a dataset', () => {
  it('depends on every number and on the coin, but not on the order of coins or on what lies around a view', () => {
    const [btc, eth] = [barsAt([0, 1, 2]), barsAt([0, 1, 2], 'ETH')]
    const hash = dataHash([btc, eth])
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(dataHash([eth, btc])).toBe(hash)
    expect(dataHash([barsWithin(barsAt([0, 1, 2, 3]), { from: START, to: START + 3 * HOUR }), eth])).toBe(hash)
    for (const key of ['openTime', 'open', 'high', 'low', 'close', 'volume', 'funding', 'openInterest'] as const) {
      const changed = barsAt([0, 1, 2])
      changed[key][1] = 10.25
      expect(dataHash([changed, eth])).not.toBe(hash)
    }
    expect(dataHash([btc])).not.toBe(dataHash([{ ...btc, coin: 'SOL' }]))
  })
})
