import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { barsKnownAt, HOUR } from '#data/bars.ts'
import { type Direction, isSignal, type Scanner } from '#src/scanners/scanner.ts'
import { makeBars, START, withOtherFuture, without } from '../market.ts'

const HOURS = 900

/**
 * What every scanner keeps: causal, deterministic, bounded, and it explains itself.
 *
 * @param create a fresh scanner with its default options; it must find a signal now and then in `makeBars`.
 */
export function conformsToScanner(name: string, create: () => Scanner): void {
  const bars = makeBars('TEST', HOURS, 3)
  const moment = fc.integer({ min: 1, max: HOURS })
  const side = fc.constantFrom<Direction>(-1, 0, 1)

  describe(`${name} as a scanner`, () => {
    it('does not see the future', () => {
      const scanner = create()
      fc.assert(
        fc.property(moment, side, (hour, held) => {
          const asOf = START + hour * HOUR
          const known = scanner.scan(barsKnownAt(bars, asOf), asOf, held)
          expect(scanner.scan(bars, asOf, held)).toEqual(known)
          expect(scanner.scan(withOtherFuture(bars, hour), asOf, held)).toEqual(known)
        }),
        { numRuns: 40, seed: 1 },
      )
    })

    it('answers the same whatever it was asked before', () => {
      const used = create()
      fc.assert(
        fc.property(moment, side, (hour, held) => {
          const asOf = START + hour * HOUR
          expect(used.scan(bars, asOf, held)).toEqual(create().scan(bars, asOf, held))
        }),
        { numRuns: 40, seed: 2 },
      )
    })

    it('is bounded, explains itself, and finds something', () => {
      const scanner = create()
      let signals = 0
      for (let hour = 1; hour <= HOURS; hour++) {
        const asOf = START + hour * HOUR
        const scan = scanner.scan(bars, asOf)
        expect(scan).toMatchObject({ coin: 'TEST', asOf, source: scanner.source })
        if (!isSignal(scan)) {
          expect(scan.unavailable).not.toBe('')
          continue
        }
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

    it('is unavailable, with a reason, where the hour or its funding is missing', () => {
      const asOf = START + 700 * HOUR
      const absent = without(bars, (index) => index === 699)
      const unknown = without(bars, () => false)
      unknown.funding[699] = Number.NaN
      for (const history of [absent, unknown, without(bars, () => true)]) {
        expect(create().scan(history, asOf)).toMatchObject({ unavailable: expect.stringMatching(/funding/) })
      }
    })

    it('takes gaps in its window', () => {
      const holed = without(bars, (index) => index % 50 === 7 && index !== 699)
      expect(isSignal(create().scan(holed, START + 700 * HOUR))).toBe(true)
    })
  })
}
