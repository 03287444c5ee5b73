import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import { WheelOptions } from '#src/options.ts'
import { createKalmanFundingScanner } from '#src/scanners/kalman-funding.ts'
import type { Direction } from '#src/scanners/scanner.ts'
import { barsFrom, START } from '../market.ts'
import { conformsToScanner } from './conformance.ts'

const options = WheelOptions.parse({}).kalmanFunding
conformsToScanner('kalman-funding', () => createKalmanFundingScanner(options))

const HOURS = 400

function scanFunding(funding: readonly number[], held: Direction = 0) {
  const closes = funding.map(() => 100)
  return createKalmanFundingScanner(options).scan(
    barsFrom('TEST', closes, funding),
    START + funding.length * HOUR,
    held,
  )
}

function noisyFunding(last: number, mean = 2e-5): number[] {
  const random = createRandom(8)
  return Array.from({ length: HOURS }, (_, i) => (i === HOURS - 1 ? last : mean + 3e-6 * random.normal()))
}

describe('kalman-funding', () => {
  it('sells a jump up and buys a jump below zero', () => {
    expect(scanFunding(noisyFunding(5e-5))).toMatchObject({ direction: -1, horizonHours: options.horizonHours })
    expect(scanFunding(noisyFunding(-2e-5))).toMatchObject({ direction: 1 })
    expect(scanFunding(noisyFunding(2.1e-5))).toMatchObject({ direction: 0 })
  })

  it('expects the funding of the filtered level and nothing from the noise', () => {
    const scan = scanFunding(noisyFunding(5e-5))
    if ('unavailable' in scan) throw new Error(scan.unavailable)
    expect(scan.expected?.funding).toBeCloseTo(Number(scan.evidence.level) * options.horizonHours, 15)
    expect(scan.expected?.reversion).toBe(0)
  })

  it('keeps a held side while the level pays it, and turns with a jump against it', () => {
    expect(scanFunding(noisyFunding(2e-5), -1)).toMatchObject({ direction: -1 })
    expect(scanFunding(noisyFunding(2e-6, 2e-6), -1)).toMatchObject({ direction: 0 })
    expect(scanFunding(noisyFunding(-3e-5), -1)).toMatchObject({ direction: 1 })
  })

  it('lets the level follow faster where the fitted Q is multiplied, and leaves R alone', () => {
    const random = createRandom(10)
    let level = 2e-5
    const funding = Array.from({ length: HOURS }, (_, i) => {
      level += 2e-7 * random.normal()
      return i === HOURS - 1 ? 5e-5 : level + 3e-6 * random.normal()
    })
    const bars = barsFrom(
      'TEST',
      funding.map(() => 100),
      funding,
    )
    const at = (levelVarianceFactor: number) => {
      const scanner = createKalmanFundingScanner({ ...options, levelVarianceFactor })
      const scan = scanner.scan(bars, START + HOURS * HOUR)
      if ('unavailable' in scan) throw new Error(scan.unavailable)
      return scan.evidence as Record<string, number>
    }
    const [slow, fitted, fast] = [0.1, 1, 10].map(at)
    expect(fitted.levelVariance).toBeGreaterThan(0)
    expect(fast.levelVariance).toBeCloseTo(10 * fitted.levelVariance, 20)
    expect(fast.noiseVariance).toBe(fitted.noiseVariance)
    expect(slow.level).toBeLessThan(fitted.level)
    expect(fitted.level).toBeLessThan(fast.level)
  })

  it('fits on the past of the refit hour only: Q and R stay for a day', () => {
    const random = createRandom(9)
    const funding = Array.from({ length: HOURS + 30 }, () => 2e-5 + 3e-6 * random.normal())
    const closes = funding.map(() => 100)
    const scanner = createKalmanFundingScanner(options)
    const at = (hour: number) => {
      const scan = scanner.scan(barsFrom('TEST', closes, funding), START + hour * HOUR)
      if ('unavailable' in scan) throw new Error(scan.unavailable)
      return [scan.evidence.refitAt, scan.evidence.noiseVariance]
    }
    expect(at(384)).toEqual(at(407))
    expect(at(384)[0]).toBe(START + 384 * HOUR)
    expect(at(408)).not.toEqual(at(407))
  })

  it('steps down to the rolling window and says so where the fit fails', () => {
    // Constant before the refit at hour 384, alive after it.
    const funding = Array.from({ length: HOURS }, (_, i) => (i < 384 ? 1.25e-5 : 1.25e-5 + (i % 3) * 1e-6))
    funding[HOURS - 1] = 9e-5
    expect(scanFunding(funding)).toMatchObject({
      direction: -1,
      degraded: 'funding did not vary',
      evidence: { method: 'rolling window' },
    })
  })

  it('is unavailable where nothing varied at all', () => {
    expect(scanFunding(Array.from({ length: HOURS }, () => 1.25e-5))).toMatchObject({
      unavailable: 'no z-score: funding did not vary',
    })
  })
})
