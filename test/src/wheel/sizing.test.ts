import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { WheelOptions } from '#src/options.ts'
import { dailyVolatility, type Room, sizeLimit, takeRoom } from '#src/wheel/sizing.ts'
import { barsFrom, makeBars, START, withOtherFuture } from '../market.ts'

const options = WheelOptions.parse({}).sizing
const free: Room = { positions: 8, gross: 10_000, long: 7_500, short: 7_500 }

describe('sizing', () => {
  it('gives every position the same risk', () => {
    // 0.25 % of 10,000 dollars is 25 dollars a day: 500 dollars at 5 %, 250 at 10 %.
    expect(sizeLimit(10_000, 0.05, 1, free, options)).toEqual({ dollars: 500, boundBy: 'risk' })
    expect(sizeLimit(10_000, 0.1, -1, free, options)).toEqual({ dollars: 250, boundBy: 'risk' })
  })

  it('says which cap binds, and never goes below nothing', () => {
    expect(sizeLimit(10_000, 0.001, 1, free, options)).toEqual({ dollars: 2_500, boundBy: 'coin cap' })
    expect(sizeLimit(10_000, 0.001, 1, { ...free, long: 100 }, options)).toEqual({ dollars: 100, boundBy: 'side cap' })
    expect(sizeLimit(10_000, 0.001, -1, { ...free, gross: -5 }, options)).toEqual({ dollars: 0, boundBy: 'gross cap' })
  })

  it('takes the root of 24 mean squares of hourly returns', () => {
    const closes = Array.from({ length: 201 }, (_, i) => (i % 2 === 0 ? 100 : 101))
    const bars = barsFrom('AAA', closes)
    expect(dailyVolatility(bars, START + 201 * HOUR, 168)).toBeCloseTo(Math.log(1.01) * Math.sqrt(24), 12)
    expect(dailyVolatility(bars, START + 60 * HOUR, 168)).toBeNaN()
  })

  it('does not see the future', () => {
    const bars = makeBars('AAA', 300, 3)
    const other = withOtherFuture(bars, 250)
    const now = START + 250 * HOUR
    expect(dailyVolatility(other, now, 168)).toBe(dailyVolatility(bars, now, 168))
    expect(dailyVolatility(other, now + HOUR, 168)).not.toBe(dailyVolatility(bars, now + HOUR, 168))
  })

  it('keeps to every cap whatever is opened', () => {
    const opening = fc.record({
      volatility: fc.double({ min: 0.001, max: 0.5, noNaN: true }),
      direction: fc.constantFrom<1 | -1>(1, -1),
    })
    fc.assert(
      fc.property(fc.array(opening, { maxLength: 40 }), (openings) => {
        const room = { ...free }
        for (const { volatility, direction } of openings) {
          if (room.positions === 0) break
          const { dollars } = sizeLimit(10_000, volatility, direction, room, options)
          if (dollars > 0) takeRoom(room, direction, dollars)
        }
        expect(Math.min(room.positions, room.gross, room.long, room.short)).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})
