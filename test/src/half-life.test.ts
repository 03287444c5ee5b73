import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { barsKnownAt, HOUR } from '#data/bars.ts'
import { type HalfLife, halfLifeQuality, rankHalfLives } from '#src/half-life.ts'
import { WheelOptions } from '#src/options.ts'
import { createOuFundingScanner } from '#src/scanners/ou-funding.ts'
import { isSignal } from '#src/scanners/scanner.ts'
import { barsFrom, makeBars, START, withOtherFuture } from './market.ts'

const options = WheelOptions.parse({}).ouFunding
const HOURS = 400
const market = ['A', 'B', 'C', 'D', 'E'].map((coin) => makeBars(coin, HOURS, 5))
const flat = (coin: string, hours: number) =>
  barsFrom(
    coin,
    Array.from({ length: hours }, () => 100),
  )

describe('the quality of a half-life', () => {
  it('is exp(-half-life / 12) x min(|z| / 3, 1)', () => {
    expect(halfLifeQuality(12, 3)).toBeCloseTo(1 / Math.E, 14)
    expect(halfLifeQuality(12, -7)).toBeCloseTo(1 / Math.E, 14)
    expect(halfLifeQuality(6, -1.5)).toBeCloseTo(0.5 * Math.exp(-0.5), 14)
    expect(halfLifeQuality(4, 0)).toBe(0)
  })

  it('lies between 0 and 1, falls with the half-life and grows with the distance', () => {
    const positive = fc.double({ min: 0, max: 500, noNaN: true })
    const z = fc.double({ min: -20, max: 20, noNaN: true })
    fc.assert(
      fc.property(positive, positive, z, fc.double({ min: 1, max: 5, noNaN: true }), (hours, more, far, times) => {
        const quality = halfLifeQuality(hours, far)
        expect(quality >= 0 && quality <= 1).toBe(true)
        expect(halfLifeQuality(hours + more, far)).toBeLessThanOrEqual(quality)
        expect(halfLifeQuality(hours, times * far)).toBeGreaterThanOrEqual(quality)
      }),
      { seed: 1 },
    )
  })
})

describe('the ranking', () => {
  it('puts the best first, coins without a fit last and by name, each with its reason', () => {
    const asOf = START + HOURS * HOUR
    const stale = flat('STALE', 100)
    const rows = rankHalfLives([flat('FLAT', HOURS), stale, ...market], asOf, options)
    const fits = rows.slice(0, 5) as HalfLife[]
    expect(fits.map(({ coin }) => coin).sort()).toEqual(['A', 'B', 'C', 'D', 'E'])
    const qualities = fits.map(({ quality }) => quality)
    expect(qualities).toEqual([...qualities].sort((a, b) => b - a))
    expect(new Set(qualities).size).toBe(5)
    expect(rows.slice(5)).toEqual([
      { coin: 'FLAT', unavailable: 'funding did not vary (167 pairs)' },
      { coin: 'STALE', unavailable: 'no funding settled at this hour' },
    ])
  })

  it('says what the scanner says', () => {
    const asOf = START + 300 * HOUR
    const scanner = createOuFundingScanner(options)
    for (const row of rankHalfLives(market, asOf, options) as HalfLife[]) {
      const scan = scanner.scan(market.find(({ coin }) => coin === row.coin)!, asOf)
      if (!isSignal(scan)) throw new Error(scan.unavailable)
      const { coin, quality, ...said } = row
      expect({ ...said, halfLifeHigh: Number.isFinite(said.halfLifeHigh) ? said.halfLifeHigh : 'unbounded' }).toEqual(
        scan.evidence,
      )
      expect(quality).toBe(halfLifeQuality(row.halfLifeHours, row.z))
    }
  })

  it('does not see the future, nor in which order the coins come', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: HOURS }), (hour) => {
        const asOf = START + hour * HOUR
        const rows = rankHalfLives(market, asOf, options)
        expect(rankHalfLives(market.map((bars) => barsKnownAt(bars, asOf)).reverse(), asOf, options)).toEqual(rows)
        expect(
          rankHalfLives(
            market.map((bars) => withOtherFuture(bars, hour)),
            asOf,
            options,
          ),
        ).toEqual(rows)
      }),
      { numRuns: 30, seed: 2 },
    )
  })
})
