import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bars, barsKnownAt, HOUR } from '#data/bars.ts'
import { type Direction, isSignal, type Market, type Scanner } from '#src/scanners/scanner.ts'
import {
  makeBars,
  makeMarket,
  marketKnownAt,
  START,
  withOtherFuture,
  withOtherMarketFuture,
  without,
} from '../market.ts'

const HOURS = 900

/** @see conformsToScanner */
export interface ScannerCase {
  /** The market whose first coin is scanned, 900 hours; the scanner must find a signal in it now and then. */
  readonly market?: Market
  /** What a reason says where the hour is missing. */
  readonly missing?: RegExp
  /** Whether the hour's funding must be known. */
  readonly needsFunding?: boolean
}

/** The same market with another history of its first coin. */
function withFirst(market: Market, bars: Bars): Market {
  return { ...market, bars: [bars, ...market.bars.slice(1)] }
}

/**
 * What every scanner keeps: causal, deterministic, bounded, it explains itself, and it backs a held side longer than it
 * would open it.
 *
 * @param create a fresh scanner with its default options.
 */
export function conformsToScanner(name: string, create: () => Scanner, given: ScannerCase = {}): void {
  const market = given.market ?? makeMarket(makeBars('TEST', HOURS, 3), 0)
  const { missing = /funding/, needsFunding = true } = given
  const [bars] = market.bars
  const moment = fc.integer({ min: 1, max: HOURS })
  const side = fc.constantFrom<Direction>(-1, 0, 1)
  const timeOf = (hour: number) => START + hour * HOUR

  describe(`${name} as a scanner`, () => {
    it('does not see the future of its coin or of any other', () => {
      const scanner = create()
      fc.assert(
        fc.property(moment, side, (hour, held) => {
          const asOf = timeOf(hour)
          const known = scanner.scan(barsKnownAt(bars, asOf), asOf, held, marketKnownAt(market, hour))
          expect(scanner.scan(bars, asOf, held, market)).toEqual(known)
          const other = withOtherMarketFuture(market, hour)
          expect(scanner.scan(withOtherFuture(bars, hour), asOf, held, other)).toEqual(known)
        }),
        { numRuns: 40, seed: 1 },
      )
    })

    it('answers the same whatever it was asked before', () => {
      const used = create()
      fc.assert(
        fc.property(moment, side, (hour, held) => {
          const asOf = timeOf(hour)
          expect(used.scan(bars, asOf, held, market)).toEqual(create().scan(bars, asOf, held, market))
        }),
        { numRuns: 40, seed: 2 },
      )
    })

    it('answers the same for a copy and for another history after it', () => {
      const used = create()
      const asOf = timeOf(HOURS - 100)
      const copy = marketKnownAt(market, HOURS)
      const other = withOtherMarketFuture(market, 300)
      expect(used.scan(copy.bars[0], asOf, 0, copy)).toEqual(used.scan(bars, asOf, 0, market))
      expect(used.scan(other.bars[0], asOf, 0, other)).toEqual(create().scan(other.bars[0], asOf, 0, other))
    })

    it('is bounded, explains itself, and finds something', () => {
      const scanner = create()
      let signals = 0
      for (let hour = 1; hour <= HOURS; hour++) {
        const asOf = timeOf(hour)
        const scan = scanner.scan(bars, asOf, 0, market)
        expect(scan).toMatchObject({ coin: 'TEST', asOf, source: scanner.source })
        if (!isSignal(scan)) {
          expect(scan.unavailable).not.toBe('')
          continue
        }
        expect(scan.style).toBe(scanner.style)
        expect([-1, 0, 1]).toContain(scan.direction)
        expect(scan.strength).toBeGreaterThanOrEqual(0)
        expect(scan.strength).toBeLessThanOrEqual(1)
        expect(scan.strength > 0).toBe(scan.direction !== 0)
        expect(scan.horizonHours > 0).toBe(scan.direction !== 0)
        expect(Object.keys(scan.evidence).length).toBeGreaterThan(2)
        for (const value of Object.values(scan.evidence)) expect(value).not.toBeNaN()
        if (scan.direction !== 0) signals++
      }
      expect(signals).toBeGreaterThan(0)
    })

    it('backs a held side where it would not open it, gives it up in the end, and turns only with a signal', () => {
      const scanner = create()
      let kept = 0
      let given = 0
      for (let hour = 1; hour <= HOURS; hour++) {
        const fresh = scanner.scan(bars, timeOf(hour), 0, market)
        for (const held of [1, -1] as const) {
          const scan = scanner.scan(bars, timeOf(hour), held, market)
          expect(isSignal(scan)).toBe(isSignal(fresh))
          if (!isSignal(scan) || !isSignal(fresh)) continue
          expect(scan.strength > 0).toBe(scan.direction !== 0)
          expect(scan.strength).toBeLessThanOrEqual(1)
          expect([held, 0, fresh.direction]).toContain(scan.direction)
          if (scan.direction === held && fresh.direction === 0) kept++
          if (scan.direction === 0) given++
        }
      }
      expect(kept).toBeGreaterThan(0)
      expect(given).toBeGreaterThan(0)
    })

    it('is unavailable, with a reason, where the hour is missing', () => {
      const asOf = timeOf(700)
      const absent = without(bars, (index) => index === 699)
      const unknown = without(bars, () => false)
      unknown.funding[699] = Number.NaN
      for (const history of [absent, without(bars, () => true)]) {
        const scan = create().scan(history, asOf, 0, withFirst(market, history))
        expect(scan).toMatchObject({ unavailable: expect.stringMatching(missing) })
      }
      const scan = create().scan(unknown, asOf, 0, withFirst(market, unknown))
      if (needsFunding) expect(scan).toMatchObject({ unavailable: expect.stringMatching(/funding/) })
      else expect(isSignal(scan)).toBe(true)
    })

    it('is unavailable before there is history', () => {
      expect(create().scan(bars, timeOf(3), 0, market)).toMatchObject({ unavailable: expect.stringMatching(/./) })
    })

    it('takes gaps in its window', () => {
      const holed = without(bars, (index) => index % 50 === 7 && index !== 699)
      expect(isSignal(create().scan(holed, timeOf(700), 0, withFirst(market, holed)))).toBe(true)
    })
  })
}
