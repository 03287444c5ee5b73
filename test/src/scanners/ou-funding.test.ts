import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { WheelOptions } from '#src/options.ts'
import { createOuFundingScanner } from '#src/scanners/ou-funding.ts'
import { type Direction, isSignal, type Scan, type Signal } from '#src/scanners/scanner.ts'
import { barsFrom, START } from '../market.ts'
import { conformsToScanner } from './conformance.ts'

const options = WheelOptions.parse({}).ouFunding
conformsToScanner('ou-funding', () => createOuFundingScanner(options))

/** 168 hours of AR(1) funding that end at `last`. */
function scanFunding(
  persistence: number,
  last: number,
  { mean = 2e-5, held = 0, ...changed }: { mean?: number; held?: Direction } & Partial<typeof options> = {},
) {
  const random = createRandom(4)
  let value = mean
  const funding = Array.from(
    { length: 168 },
    () => (value = mean + persistence * (value - mean) + 6e-6 * random.normal()),
  )
  funding[167] = last
  const closes = Array.from({ length: 168 }, () => 100)
  const scanner = createOuFundingScanner({ ...options, ...changed })
  return scanner.scan(barsFrom('TEST', closes, funding), START + 168 * HOUR, held)
}

function signalOf(scan: Scan): Signal {
  if (!isSignal(scan)) throw new Error(scan.unavailable)
  return scan
}

describe('ou-funding', () => {
  it('sells high positive funding and expects to be paid for it', () => {
    const scan = signalOf(scanFunding(0.85, 6e-5))
    expect(scan).toMatchObject({ direction: -1, style: 'contrarian' })
    expect(scan.expected!.funding).toBeGreaterThan(0)
    expect(scan.expected!.reversion).toBeGreaterThan(0)
    expect(scan.horizonHours).toBe(Math.round(2 * Number(scan.evidence.halfLifeHours)))
    expect(scan.strength).toBe(Math.min(1, Number(scan.evidence.z) / 4))
  })

  it('shows the fit behind its opinion, with the interval and the test', () => {
    const { evidence } = signalOf(scanFunding(0.85, 6e-5))
    const names = [
      'rate',
      'z',
      'theta',
      'mu',
      'sigma',
      'halfLifeHours',
      'halfLifeLow',
      'halfLifeHigh',
      'pValue',
      'pairs',
    ]
    expect(Object.keys(evidence)).toEqual(names)
    expect(evidence.rate).toBe(6e-5)
    expect(Number(evidence.halfLifeLow)).toBeLessThan(Number(evidence.halfLifeHours))
    expect(Number(evidence.halfLifeHigh)).toBeGreaterThan(Number(evidence.halfLifeHours))
    const wider = signalOf(scanFunding(0.85, 6e-5, { confidence: 0.99 })).evidence
    expect(Number(wider.halfLifeLow)).toBeLessThan(Number(evidence.halfLifeLow))
    expect(signalOf(scanFunding(0.99, 6e-5)).evidence.halfLifeHigh).toBe('unbounded')
  })

  it('expects what is settled while it is held: filled at once, paid from the next hour on', () => {
    const rate = 6e-5
    const scan = signalOf(scanFunding(0.85, rate))
    const { mu, theta } = scan.evidence as Record<string, number>
    const at = (hour: number) => mu + (rate - mu) * Math.exp(-theta * hour)
    let funding = 0
    for (let held = 1; held <= scan.horizonHours; held++) funding += at(held)
    expect(scan.expected!.funding).toBeCloseTo(funding, 12)
    expect(scan.expected!.reversion).toBeCloseTo(8 * (at(1) - at(scan.horizonHours + 1)), 12)
  })

  it('buys deeply negative funding', () => {
    expect(scanFunding(0.85, -2e-5)).toMatchObject({ direction: 1 })
  })

  it('has no opinion where mean reversion is not significant', () => {
    const usual = signalOf(scanFunding(0.85, 6e-5))
    const pValue = Number(usual.evidence.pValue)
    expect(scanFunding(0.85, 6e-5, { significance: pValue * 1.01 })).toMatchObject({ direction: -1 })
    expect(scanFunding(0.85, 6e-5, { significance: pValue })).toMatchObject({ direction: 0, strength: 0 })
    // What is held is not asked again.
    expect(scanFunding(0.85, 6e-5, { significance: pValue, held: -1 })).toMatchObject({ direction: -1 })
    // Nor does the other side of it get an opinion that it would not open.
    expect(scanFunding(0.85, 6e-5, { held: 1 })).toMatchObject({ direction: -1 })
    expect(scanFunding(0.85, 6e-5, { significance: pValue, held: 1 })).toMatchObject({ direction: 0 })
  })

  it('has no opinion on a rate below its mean that still charges longs', () => {
    const scan = signalOf(scanFunding(0.85, 1e-6, { mean: 4e-5 }))
    expect(scan).toMatchObject({ direction: 0, strength: 0, horizonHours: 0 })
    expect(Number(scan.evidence.z)).toBeLessThan(-2)
    expect(Number(scan.evidence.pValue)).toBeLessThan(0.05)
  })

  it('has no opinion where |z| is small or the half-life is outside 2 h to 24 h', () => {
    expect(scanFunding(0.85, 2.1e-5)).toMatchObject({ direction: 0 })
    const fast = signalOf(scanFunding(0.3, 6e-5))
    expect(Number(fast.evidence.halfLifeHours)).toBeLessThan(2)
    expect(fast.direction).toBe(0)
    const halfLife = Number(signalOf(scanFunding(0.85, 6e-5)).evidence.halfLifeHours)
    expect(scanFunding(0.85, 6e-5, { maxHalfLifeHours: halfLife - 0.01 })).toMatchObject({ direction: 0 })
    expect(scanFunding(0.85, 6e-5, { minHalfLifeHours: halfLife - 0.01 })).toMatchObject({ direction: -1 })
  })

  it('backs a held side down to the exit threshold, and no further', () => {
    // Between the thresholds: too little to open, enough to keep.
    const rate = 3e-5
    const flat = signalOf(scanFunding(0.85, rate))
    expect(Number(flat.evidence.z)).toBeGreaterThan(0.5)
    expect(Number(flat.evidence.z)).toBeLessThan(2)
    expect(flat.direction).toBe(0)
    expect(scanFunding(0.85, rate, { held: -1 })).toMatchObject({ direction: -1 })
    expect(scanFunding(0.85, 1.9e-5, { held: -1 })).toMatchObject({ direction: 0 })
    expect(scanFunding(0.85, -2e-5, { held: -1 })).toMatchObject({ direction: 1 })
  })

  it('is silent on funding that hardly leaves its baseline', () => {
    const hours = 168
    const closes = Array.from({ length: hours }, () => 100)
    const at = (rate: (i: number) => number) =>
      createOuFundingScanner(options).scan(
        barsFrom(
          'TEST',
          closes,
          Array.from({ length: hours }, (_, i) => rate(i)),
        ),
        START + hours * HOUR,
      )
    expect(at(() => 1.25e-5)).toMatchObject({ unavailable: 'funding did not vary (167 pairs)' })
    expect(at((i) => (i === 167 ? 1.2501e-5 : 1.25e-5))).toMatchObject({ unavailable: expect.stringMatching(/vary/) })
    // A single jump a moment ago: nothing is known of how such jumps go back.
    const jump = at((i) => (i === 167 ? 2e-4 : 1.25e-5))
    expect('unavailable' in jump || jump.direction === 0).toBe(true)
  })
})
