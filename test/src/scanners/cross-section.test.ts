import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bars, HOUR } from '#data/bars.ts'
import { WheelOptions } from '#src/options.ts'
import { createCrossSectionScanner } from '#src/scanners/cross-section.ts'
import { type Direction, isSignal, type Signal } from '#src/scanners/scanner.ts'
import { barsFrom, makeLivelyBars, makeMarket, START } from '../market.ts'
import { conformsToScanner } from './conformance.ts'

const defaults = WheelOptions.parse({}).crossSection
conformsToScanner('cross-section', () => createCrossSectionScanner(defaults), {
  market: makeMarket(makeLivelyBars('TEST', 900, 3), 7),
  missing: /no bar/,
})

const HOURS = 24
const NOW = START + HOURS * HOUR
const small = {
  momentumHours: 4,
  volatilityHours: 4,
  fundingHours: 4,
  minCoins: 4,
  efficiencyHours: 4,
  movingAverageBars: 8,
}
const optionsWith = (more: object) => WheelOptions.parse({ crossSection: { ...small, ...more } }).crossSection

/** A coin that gains `step` an hour, wobbling by `wobble`, whose last funding lies `surprise` above a band around zero. */
function coin(name: string, step: number, wobble: number, surprise: number, dollars = 5e7): Bars {
  const closes = Array.from({ length: HOURS }, (_, i) => 100 * Math.exp(step * i + (i % 2 === 0 ? 0 : wobble)))
  const funding = closes.map((_, i) => (i === HOURS - 1 ? surprise : i % 2 === 0 ? 1e-6 : -1e-6))
  const bars = barsFrom(name, closes, funding)
  for (const [i, close] of closes.entries()) bars.openInterest[i] = dollars / close
  return bars
}

// Momenta 0.04, 0.02, -0.02, -0.08, 0 and 0.01 over four hours; wobbles make the volatility.
const universe = [
  coin('UP', 0.01, 0.001, 4e-6),
  coin('RISE', 0.005, 0.004, 1e-6),
  coin('FALL', -0.005, 0.002, 6e-6),
  coin('DOWN', -0.02, 0.01, 2e-6),
  coin('FLAT', 0, 0.003, 3e-6),
  coin('SLOW', 0.0025, 0.02, 5e-6),
]

function scanCoin(name: string, more: object = {}, held: Direction = 0, among: readonly Bars[] = universe): Signal {
  const bars = among.find((one) => one.coin === name) as Bars
  const scan = createCrossSectionScanner(optionsWith(more)).scan(bars, NOW, held, { bars: among })
  if (!isSignal(scan)) throw new Error(scan.unavailable)
  return scan
}

/** The universe with other open interest, in dollars, of the coin UP. */
function withInterest(dollars: number): Bars[] {
  return universe.map((one) => (one.coin === 'UP' ? coin('UP', 0.01, 0.001, 4e-6, dollars) : one))
}

describe('cross-section', () => {
  it('scores 0.4 rank(momentum) + 0.3 rank(1 / volatility) + 0.3 rank(|funding z|)', () => {
    // UP: best momentum of six, calmer than RISE, DOWN, FLAT and SLOW? See the ranks below, from the returns.
    const { evidence } = scanCoin('UP')
    expect(evidence.momentum).toBeCloseTo(0.04, 12)
    expect(evidence.momentumRank).toBe(1)
    // Root mean squares: returns alternate between step + wobble and step - wobble, so rms^2 = step^2 + wobble^2.
    expect(evidence.volatility).toBeCloseTo(Math.hypot(0.01, 0.001), 12)
    // FLAT 0.0030, FALL 0.0054, RISE 0.0064, UP 0.0100, SLOW 0.0202, DOWN 0.0224: two of five others are worse.
    expect(evidence.calmRank).toBeCloseTo(2 / 5, 12)
    // |z| rises with the surprise: FALL 6, SLOW 5, UP 4, FLAT 3, DOWN 2, RISE 1.
    expect(evidence.fundingZ).toBeCloseTo(4e-6 / Math.sqrt(4e-12 / 3), 9)
    expect(evidence.fundingRank).toBeCloseTo(3 / 5, 12)
    expect(evidence.score).toBeCloseTo(0.4 * 1 + 0.3 * 0.4 + 0.3 * 0.6, 12)
    expect(evidence.place).toBe(2)
    expect(evidence.coins).toBe(6)
  })

  it('ranks a falling coin by its fall, and takes the side of its momentum', () => {
    // Momenta in order: DOWN, FALL, FLAT, SLOW, RISE, UP. On the short side DOWN is first and FALL second.
    expect(scanCoin('DOWN').evidence.momentumRank).toBe(1)
    const fall = scanCoin('FALL')
    expect(fall.evidence.momentumRank).toBeCloseTo(4 / 5, 12)
    // 0.4 x 0.8 + 0.3 x 0.8 + 0.3 x 1: the best of all.
    expect(fall).toMatchObject({ direction: -1, evidence: { place: 1 } })
    expect(fall.strength).toBeCloseTo(0.86, 12)
    expect(scanCoin('UP')).toMatchObject({ direction: 1, style: 'momentum', horizonHours: 24 })
    expect(scanCoin('FLAT')).toMatchObject({ direction: 0, evidence: { skipped: 'momentum is zero' } })
  })

  it('gives a signal to the best only, and keeps a held side down to a later place', () => {
    expect(scanCoin('UP', { best: 1, keepBest: 2 })).toMatchObject({
      direction: 0,
      evidence: { skipped: 'place 2 of 6, only the best 1 count' },
    })
    expect(scanCoin('UP', { best: 1, keepBest: 2 }, 1)).toMatchObject({ direction: 1, evidence: { place: 2 } })
    expect(scanCoin('UP', { best: 1, keepBest: 2 }, -1)).toMatchObject({ direction: 0 })
    expect(scanCoin('UP', { best: 1, keepBest: 1 }, 1)).toMatchObject({ direction: 0 })
    expect(scanCoin('UP', {}, -1)).toMatchObject({ direction: 1 })
  })

  it('skips low efficiency', () => {
    // SLOW wobbles by 0.02 and gains 0.01 in four hours: |net| over path is near 0.01 / 0.08.
    const slow = scanCoin('SLOW')
    expect(slow.evidence.efficiency).toBeCloseTo(0.125, 2)
    expect(slow).toMatchObject({ direction: 0, evidence: { skipped: expect.stringMatching(/^efficiency 0.12/) } })
    expect(scanCoin('SLOW', { minEfficiency: 0.1 })).toMatchObject({ direction: 1 })
  })

  it('skips a close on the wrong side of the average, for an opening and for what is held', () => {
    // Rises for four hours, after a fall from higher.
    const closes = Array.from({ length: HOURS }, (_, i) => (i < 19 ? 150 : 100 + i))
    const turned = barsFrom('TURN', closes, [...universe[0].funding])
    const among = [turned, ...universe]
    const scan = scanCoin('TURN', { volatilityHours: 4 }, 0, among)
    expect(scan.evidence.momentum).toBeGreaterThan(0)
    // Last eight: 150, 150, 150, 119, 120, 121, 122, 123.
    expect(scan.evidence.averageDistance).toBeCloseTo(123 / (1055 / 8) - 1, 12)
    expect(scan).toMatchObject({ direction: 0, evidence: { skipped: expect.stringMatching(/against a long/) } })
    expect(scanCoin('TURN', {}, 1, among)).toMatchObject({ direction: 0 })
    expect(scanCoin('TURN', { movingAverageBars: 4 }, 0, among)).toMatchObject({ direction: 1 })
  })

  it('skips where efficiency or average cannot be told', () => {
    expect(scanCoin('UP', { efficiencyHours: 24 })).toMatchObject({
      direction: 0,
      evidence: { efficiency: 'unavailable', skipped: 'efficiency over 24 h is unavailable' },
    })
    expect(scanCoin('UP', { movingAverageBars: 25 })).toMatchObject({
      direction: 0,
      evidence: { averageDistance: 'unavailable', skipped: 'average of 25 bars is unavailable' },
    })
  })

  it('skips small open interest, and says so where it is unknown', () => {
    expect(scanCoin('UP', {}, 0, withInterest(9.9e6))).toMatchObject({
      direction: 0,
      evidence: { skipped: 'open interest of 9900000 dollars is below 10000000' },
    })
    expect(scanCoin('UP', {}, 0, withInterest(10.1e6))).toMatchObject({ direction: 1 })
    const unknown = withInterest(Number.NaN)
    expect(scanCoin('UP', {}, 0, unknown)).toMatchObject({
      direction: 1,
      evidence: { openInterestDollars: 'unavailable' },
    })
    expect(scanCoin('UP', { unknownOpenInterest: 'skip' }, 0, unknown)).toMatchObject({
      direction: 0,
      evidence: { skipped: 'open interest is unavailable' },
    })
  })

  it('ranks the others without a coin that lacks a value', () => {
    const broken = coin('FALL', -0.005, 0.002, 6e-6)
    broken.funding[HOURS - 1] = Number.NaN
    const among = universe.map((one) => (one.coin === 'FALL' ? broken : one))
    expect(scanCoin('UP', {}, 0, among).evidence).toMatchObject({ coins: 5, place: 1 })
  })

  it('is unavailable without a universe, outside of it, and where too few coins can be ranked', () => {
    const scanner = createCrossSectionScanner(optionsWith({}))
    const why = (among?: readonly Bars[]) => scanner.scan(universe[0], NOW, 0, among && { bars: among })
    expect(why()).toMatchObject({ unavailable: 'no universe to compare with' })
    expect(why(universe.slice(1))).toMatchObject({ unavailable: 'the coin is not in the universe' })
    expect(why(universe.slice(0, 3))).toMatchObject({
      unavailable: 'only 3 coins can be ranked, at least 4',
    })
  })

  it('does not depend on the order of the universe', () => {
    const order = fc.shuffledSubarray(universe, { minLength: universe.length })
    fc.assert(
      fc.property(order, fc.constantFrom('UP', 'FALL', 'RISE'), (among, name) => {
        expect(scanCoin(name, {}, 0, among)).toEqual(scanCoin(name))
      }),
      { numRuns: 30, seed: 5 },
    )
  })

  it('notices another history in the same list', () => {
    const scanner = createCrossSectionScanner(optionsWith({}))
    const list = [...universe]
    const first = scanner.scan(list[0], NOW, 0, { bars: list })
    list[2] = coin('FALL', 0.03, 0.002, 6e-6)
    expect(scanner.scan(list[0], NOW, 0, { bars: list })).not.toEqual(first)
  })

  it('refuses weights that do not add up, and keeping less than is opened', () => {
    expect(() => optionsWith({ weights: { momentum: 0.5, volatility: 0.5, funding: 0.5 } })).toThrow(/add up to 1/)
    expect(() => optionsWith({ best: 10, keepBest: 9 })).toThrow(/must not be less than best/)
  })
})
