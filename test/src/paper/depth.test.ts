import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { barsKnownAt, HOUR } from '#data/bars.ts'
import { ExchangeOptions } from '#src/options/paper.ts'
import { averageDistance, coinsWithin, depthAt, roundTripCost } from '#src/paper/depth.ts'
import { makeBars, START, withOtherFuture } from '../market.ts'
import { BEGIN, barsOf, DAILY_OF_ONE_PERCENT, FIRST } from './desk.ts'

const options = ExchangeOptions.parse({})

describe('the depth of a market', () => {
  it('is half-spread and square-root impact of the last week', () => {
    // Hourly steps of 1 %: 4.875 % a day; 24,000 coins a day; every day is an ordinary one.
    const depth = depthAt(barsOf('BTC', [], 0.01), FIRST, options)!
    expect(depth.halfSpread).toBeCloseTo(0.0001, 15)
    expect(depth.impact).toBeCloseTo(0.7 * DAILY_OF_ONE_PERCENT, 12)
    expect(depth.dailyVolume).toBe(24_000)
    // 240 coins are 1 % of a day: the price has moved by 0.341236 %, two thirds of it on average.
    expect(averageDistance(depth, 240)).toBeCloseTo(0.0001 + 0.0022749008, 8)
    expect(coinsWithin(depth, 0.0001 + 0.00341235)).toBeCloseTo(240, 2)
    expect(coinsWithin(depth, 0.00009)).toBe(0)
  })

  it('widens the spread with the last day, within limits', () => {
    const storm = (step: number) => {
      const bars = barsOf('BTC', [], 0.01)
      for (let i = 216; i < 240; i++) bars.close[i] = i % 2 === 0 ? 100 * (1 + step) : 100
      return depthAt(bars, FIRST, options)!.halfSpread
    }
    const ratio = 2 * Math.sqrt((1 + 1.02 ** -2) / (1 + 1.01 ** -2))
    expect(storm(0.02)).toBeCloseTo(0.0001 * ratio, 12)
    expect(storm(0.2)).toBeCloseTo(0.0005, 12)
    expect(storm(0.0001)).toBeCloseTo(0.00005, 12)
  })

  it('is not known without a day of hours or without trades', () => {
    expect(depthAt(barsOf('BTC', []), BEGIN + 24 * HOUR, options)).toBeUndefined()
    expect(depthAt(barsOf('BTC', []), BEGIN + 25 * HOUR, options)).toBeDefined()
    const dead = barsOf('BTC', [])
    dead.volume.fill(0)
    expect(depthAt(dead, FIRST, options)).toBeUndefined()
    expect(roundTripCost(100, dead, FIRST, options, 0.00045)).toBeNaN()
  })

  it('does not read a move out of a hole', () => {
    // The price doubles over an absent hour: two hours of movement, and nobody knows which had how much.
    const depth = depthAt(barsOf('BTC', [null, [200, 200, 200, 200]]), FIRST + 2 * HOUR, options)!
    expect(depth.impact).toBe(0)
  })

  it('takes the week where the last day is full of holes', () => {
    const bars = barsOf(
      'BTC',
      Array.from({ length: 20 }, () => null),
      0.01,
    )
    expect(depthAt(bars, FIRST + 20 * HOUR, options)!.halfSpread).toBeCloseTo(0.0001, 15)
  })
})

describe('the round trip', () => {
  it('costs fees, spread and impact twice', () => {
    const bars = barsOf('BTC', [], 0.01)
    // 24,000 dollars at 100 are 240 coins.
    expect(roundTripCost(24_000, bars, FIRST, options, 0.00045)).toBeCloseTo(2 * (0.00045 + 0.0001 + 0.0022749008), 7)
    expect(roundTripCost(0, bars, FIRST, options, 0.00045)).toBeCloseTo(2 * 0.00055, 12)
  })

  it('grows with the size and does not see the future', () => {
    const bars = makeBars('BTC', 900, 5)
    const hour = fc.integer({ min: 30, max: 899 })
    const dollars = fc.double({ min: 0, max: 1e6, noNaN: true })
    fc.assert(
      fc.property(hour, dollars, dollars, (at, one, more) => {
        const asOf = START + at * HOUR
        const cost = (size: number, history = bars) => roundTripCost(size, history, asOf, options, 0.00045)
        expect(cost(one + more)).toBeGreaterThanOrEqual(cost(one))
        expect(cost(one, barsKnownAt(bars, asOf))).toBe(cost(one))
        expect(cost(one, withOtherFuture(bars, at))).toBe(cost(one))
      }),
      { numRuns: 60, seed: 1 },
    )
  })

  it('is what the walk of a taker costs on both sides', () => {
    const depth = depthAt(barsOf('BTC', [], 0.01), FIRST, options)!
    // Average over the walk by summing it: a thousandth of the size at a time.
    let sum = 0
    for (let i = 0; i < 1000; i++) sum += depth.halfSpread + depth.impact * Math.sqrt((0.24 * (i + 0.5)) / 24_000)
    expect(averageDistance(depth, 240)).toBeCloseTo(sum / 1000, 7)
  })
})
