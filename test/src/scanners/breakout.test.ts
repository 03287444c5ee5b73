import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bars, HOUR } from '#data/bars.ts'
import { WheelOptions } from '#src/options.ts'
import { createBreakoutScanner } from '#src/scanners/breakout.ts'
import { type Direction, isSignal } from '#src/scanners/scanner.ts'
import { barsFrom, makeLivelyBars, makeMarket, START, without } from '../market.ts'
import { conformsToScanner } from './conformance.ts'

const defaults = WheelOptions.parse({}).breakout
conformsToScanner('breakout', () => createBreakoutScanner(defaults), {
  market: makeMarket(makeLivelyBars('TEST', 900, 3), 0),
  missing: /no bar/,
  needsFunding: false,
})

const small = { channelHours: 6, exitHours: 3, volumeHours: 8, volatilityHours: 2 }
const options = WheelOptions.parse({ breakout: small }).breakout
const HOURS = 20

/** Closes that swing between 99 and 101, volume 10, then `last` with `volume`; the hour before may be given as well. */
function history(last: number, volume: number, before?: number): Bars {
  const closes: number[] = Array.from({ length: HOURS }, (_, i) => (i % 2 === 0 ? 101 : 99))
  if (before !== undefined) closes[HOURS - 2] = before
  closes[HOURS - 1] = last
  const bars = barsFrom('TEST', closes)
  bars.volume.fill(10)
  bars.volume[HOURS - 1] = volume
  return bars
}

function scan(bars: Bars, held: Direction = 0) {
  const found = createBreakoutScanner(options).scan(bars, START + HOURS * HOUR, held)
  if (!isSignal(found)) throw new Error(found.unavailable)
  return found
}

describe('breakout', () => {
  it('buys a confirmed close above the channel and sells one below', () => {
    const up = scan(history(104, 20))
    expect(up).toMatchObject({
      direction: 1,
      evidence: { channelHigh: 101, channelLow: 99, exitHigh: 101, exitLow: 99, volumeRatio: 2 },
    })
    // True ranges: the hour of the breakout from 101 to 104, the hour before 2 / 99; eight before those swing by 2.
    const swing = (2 / 99 + 2 / 101) / 2
    const ratio = (2 / 99 + 3 / 101) / 2 / swing
    expect(up.evidence.volatilityRatio).toBeCloseTo(ratio, 12)
    expect(up.strength).toBeCloseTo(Math.min(2 / 1.5, ratio / 1.2) / 2, 12)
    expect(scan(history(96, 20))).toMatchObject({ direction: -1 })
  })

  it('does not take the hour itself into the channel, nor a touch for a break', () => {
    expect(scan(history(101, 20))).toMatchObject({ direction: 0, strength: 0 })
    expect(scan(history(101.01, 30, 97))).toMatchObject({ direction: 1, evidence: { channelHigh: 101 } })
  })

  it('wants more volume and more range than usual', () => {
    expect(scan(history(104, 14))).toMatchObject({
      direction: 0,
      evidence: { unconfirmed: 'volume is 1.40 of its mean, below 1.5' },
    })
    expect(scan(history(101.5, 20, 101))).toMatchObject({
      direction: 0,
      evidence: { unconfirmed: expect.stringMatching(/^true range is/) },
    })
  })

  it('backs a held side until the close reaches the opposite exit channel', () => {
    const inside = history(100, 10)
    expect(scan(inside)).toMatchObject({ direction: 0 })
    // One of two dollars of the channel is left to either exit.
    expect(scan(inside, 1)).toMatchObject({ direction: 1, strength: 0.5, horizonHours: 24 })
    expect(scan(inside, -1)).toMatchObject({ direction: -1, strength: 0.5 })
    expect(scan(history(99, 10), 1)).toMatchObject({ direction: 0, strength: 0 })
    expect(scan(history(98, 10), 1)).toMatchObject({ direction: 0 })
    expect(scan(history(98, 10), -1)).toMatchObject({ direction: -1 })
    expect(scan(history(96, 20), 1)).toMatchObject({ direction: -1 })
  })

  it('leaves by the short channel, not by the long one', () => {
    const bars = history(99.5, 10)
    for (let row = HOURS - 4; row < HOURS - 1; row++) bars.low[row] = 99.7
    expect(scan(bars, 1)).toMatchObject({ direction: 0, evidence: { exitLow: 99.7, channelLow: 99 } })
  })

  it('is unavailable with too few hours, without volume, and without movement', () => {
    const scanner = createBreakoutScanner(options)
    const why = (bars: Bars) => scanner.scan(bars, START + HOURS * HOUR)
    const gap = without(history(104, 20), (row) => row > 12 && row < 17)
    expect(why(gap)).toMatchObject({ unavailable: 'channel: 2 of 6 h are known' })
    const quiet = history(104, 20)
    quiet.volume.fill(0)
    expect(why(quiet)).toMatchObject({ unavailable: 'volume: nothing was traded in 8 h' })
    const still = barsFrom(
      'TEST',
      Array.from({ length: HOURS }, (_, i) => (i === HOURS - 1 ? 101 : 100)),
    )
    expect(why(still)).toMatchObject({ unavailable: 'true range: the price did not move in 8 h' })
  })

  it('does not care for the unit of price or volume', () => {
    const bars = makeLivelyBars('TEST', 300, 4)
    const scanner = createBreakoutScanner(defaults)
    const moment = fc.integer({ min: 230, max: 300 })
    fc.assert(
      fc.property(moment, fc.integer({ min: -8, max: 8 }), (hour, power) => {
        const scale = (column: Float64Array) => column.map((value) => value * 2 ** power)
        const { open, high, low, close, volume } = bars
        const scaled = {
          ...bars,
          open: scale(open),
          high: scale(high),
          low: scale(low),
          close: scale(close),
          volume: scale(volume),
        }
        const asOf = START + hour * HOUR
        const [found, expected] = [scanner.scan(scaled, asOf), scanner.scan(bars, asOf)]
        if (!isSignal(found) || !isSignal(expected)) throw new Error('unavailable')
        expect([found.direction, found.strength]).toEqual([expected.direction, expected.strength])
      }),
      { numRuns: 50, seed: 6 },
    )
  })
})
