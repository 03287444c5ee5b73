import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { WheelOptions } from '#src/options.ts'
import { createOuFundingScanner } from '#src/scanners/ou-funding.ts'
import { barsFrom, START } from '../market.ts'
import { conformsToScanner } from './conformance.ts'

const options = WheelOptions.parse({}).ouFunding
conformsToScanner('ou-funding', () => createOuFundingScanner(options))

/** 168 hours of AR(1) funding that end at `last`. */
function scanFunding(persistence: number, last: number, mean = 2e-5, held: -1 | 0 | 1 = 0) {
  const random = createRandom(4)
  let value = mean
  const funding = Array.from(
    { length: 168 },
    () => (value = mean + persistence * (value - mean) + 2e-6 * random.normal()),
  )
  funding[167] = last
  const closes = Array.from({ length: 168 }, () => 100)
  return createOuFundingScanner(options).scan(barsFrom('TEST', closes, funding), START + 168 * HOUR, held)
}

describe('ou-funding', () => {
  it('sells high positive funding and expects to be paid for it', () => {
    const scan = scanFunding(0.9, 6e-5)
    expect(scan).toMatchObject({ direction: -1, style: 'contrarian' })
    if ('unavailable' in scan || scan.expected === undefined) throw new Error('no signal')
    expect(scan.expected.funding).toBeGreaterThan(0)
    expect(scan.expected.reversion).toBeGreaterThan(0)
    expect(scan.horizonHours).toBe(Math.round(2 * Number(scan.evidence.halfLifeHours)))
  })

  it('expects what is settled while it is held: filled an hour later, paid from the hour after that', () => {
    const rate = 6e-5
    const scan = scanFunding(0.9, rate)
    if ('unavailable' in scan || scan.expected === undefined) throw new Error('no signal')
    const { mu, theta } = scan.evidence as Record<string, number>
    const at = (hour: number) => mu + (rate - mu) * Math.exp(-theta * hour)
    let funding = 0
    for (let held = 1; held <= scan.horizonHours; held++) funding += at(held + 1)
    expect(scan.expected.funding).toBeCloseTo(funding, 12)
    expect(scan.expected.reversion).toBeCloseTo(8 * (at(1) - at(scan.horizonHours + 1)), 12)
  })

  it('buys deeply negative funding', () => {
    expect(scanFunding(0.9, -3e-5)).toMatchObject({ direction: 1 })
  })

  it('has no opinion on a rate below its mean that still charges longs', () => {
    const scan = scanFunding(0.9, 1e-6, 4e-5)
    expect(scan).toMatchObject({ direction: 0, strength: 0, horizonHours: 0 })
    if (!('unavailable' in scan)) expect(Number(scan.evidence.z)).toBeLessThan(-2)
  })

  it('has no opinion where |z| is small or the half-life is outside 2 h to 24 h', () => {
    expect(scanFunding(0.9, 2.1e-5)).toMatchObject({ direction: 0 })
    const fast = scanFunding(0.1, 6e-5)
    if (!('unavailable' in fast)) expect(Number(fast.evidence.halfLifeHours)).toBeLessThan(2)
    expect('unavailable' in fast || fast.direction === 0).toBe(true)
  })

  it('backs a held side down to the exit threshold, and no further', () => {
    // Between the thresholds: too little to open, enough to keep.
    const rate = 2.6e-5
    const flat = scanFunding(0.9, rate)
    if ('unavailable' in flat) throw new Error(flat.unavailable)
    expect(Number(flat.evidence.z)).toBeGreaterThan(0.5)
    expect(Number(flat.evidence.z)).toBeLessThan(2)
    expect(flat.direction).toBe(0)
    expect(scanFunding(0.9, rate, 2e-5, -1)).toMatchObject({ direction: -1 })
    expect(scanFunding(0.9, 1.9e-5, 2e-5, -1)).toMatchObject({ direction: 0 })
    expect(scanFunding(0.9, -4e-5, 2e-5, -1)).toMatchObject({ direction: 1 })
  })
})
