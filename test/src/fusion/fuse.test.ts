import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fuse } from '#src/fusion/fuse.ts'
import { WheelOptions } from '#src/options.ts'
import type { Direction, Scan, Signal, Style } from '#src/scanners/scanner.ts'

const options = WheelOptions.parse({ fusion: { weights: { 'ou-funding': 0.6, 'kalman-funding': 0.4 } } }).fusion
const ONES = { chop: 1, trend: 1, reversal: 1 }
const uniform = [1 / 3, 1 / 3, 1 / 3] as const

function signal(source: string, direction: Direction, strength: number, more: Partial<Signal> = {}): Signal {
  const horizonHours = direction === 0 ? 0 : 10
  return {
    coin: 'TEST',
    asOf: 0,
    source,
    style: 'contrarian',
    direction,
    strength,
    horizonHours,
    evidence: {},
    ...more,
  }
}

const missing = (source: string): Scan => ({ coin: 'TEST', asOf: 0, source, unavailable: 'no funding' })

describe('fusion', () => {
  it('adds weighted signals scaled by the regime', () => {
    const { direction, conviction, contributions } = fuse(
      [signal('ou-funding', -1, 0.5), signal('kalman-funding', 1, 0.25)],
      [1, 0, 0],
      options,
    )
    expect(direction).toBe(-1)
    expect(conviction).toBeCloseTo(1.25 * (0.6 * 0.5 - 0.4 * 0.25), 12)
    expect(contributions.map(({ value }) => value)).toEqual([expect.closeTo(-0.375, 12), expect.closeTo(0.125, 12)])
  })

  it('takes weights as shares, whatever they add up to', () => {
    const scans = [signal('ou-funding', 1, 0.5), signal('kalman-funding', 1, 0.25)]
    const convictionWith = (weights: Record<string, number>) => fuse(scans, uniform, { ...options, weights }).conviction
    const shares = convictionWith({ 'ou-funding': 0.75, 'kalman-funding': 0.25 })
    expect(convictionWith({ 'ou-funding': 3, 'kalman-funding': 1 })).toBeCloseTo(shares, 12)
    expect(convictionWith({})).toBe(0)
  })

  it('turns contrarian signals up in chop and down in trend, momentum the other way', () => {
    const convictionIn = (style: Style, probabilities: readonly [number, number, number]) =>
      fuse([signal('ou-funding', 1, 0.5, { style })], probabilities, options).conviction
    expect(convictionIn('contrarian', [1, 0, 0])).toBeGreaterThan(convictionIn('contrarian', uniform))
    expect(convictionIn('contrarian', [0, 1, 0])).toBeLessThan(convictionIn('contrarian', uniform))
    expect(convictionIn('momentum', [1, 0, 0])).toBeLessThan(convictionIn('momentum', uniform))
    expect(convictionIn('momentum', [0, 1, 0])).toBeGreaterThan(convictionIn('momentum', uniform))
  })

  it('says nothing without an estimate', () => {
    expect(fuse([signal('ou-funding', 1, 1)], undefined, options)).toMatchObject({
      direction: 0,
      conviction: 0,
      unavailable: 'no estimates',
    })
  })

  it('leaves every source as it is where regimes are ignored, and only there', () => {
    const scans = [signal('ou-funding', 1, 0.5), signal('kalman-funding', 1, 0.25, { style: 'momentum' })]
    const ignored = fuse(scans, 'ignored', options)
    expect(ignored.contributions.map(({ regimeScale }) => regimeScale)).toEqual([1, 1])
    expect(ignored.conviction).toBeCloseTo(0.6 * 0.5 + 0.4 * 0.25, 12)
    const even = { ...options, regimeScale: { contrarian: ONES, momentum: ONES } }
    expect(fuse(scans, [0.2, 0.3, 0.5], even).conviction).toBeCloseTo(ignored.conviction, 12)
  })

  it('takes learned weights as shares of all, in the place of the configured ones', () => {
    const scans = [signal('ou-funding', 1, 0.5), signal('kalman-funding', 1, 0.25)]
    const { contributions } = fuse(scans, 'ignored', options, { 'ou-funding': 0.3, 'kalman-funding': 0.9 })
    expect(contributions.map(({ weight }) => weight)).toEqual([expect.closeTo(0.25, 12), expect.closeTo(0.75, 12)])
    // What is learned of one source only leaves the other as configured; a stranger's weight counts for nothing.
    const partly = fuse(scans, 'ignored', options, { 'ou-funding': 1.2, rumour: 100 })
    expect(partly.contributions.map(({ weight }) => weight)).toEqual([0.75, 0.25].map((w) => expect.closeTo(w, 12)))
  })

  it('holds learned weights to the bounds of the configuration', () => {
    const [first] = fuse([signal('ou-funding', 1, 1)], 'ignored', options, { 'ou-funding': 1e9 }).contributions
    expect(first.weight).toBeCloseTo((4 * 0.6) / (4 * 0.6 + 0.4), 12)
  })

  it('does not give the weight of a missing source to the others', () => {
    const one = fuse([signal('ou-funding', 1, 0.5), missing('kalman-funding')], uniform, options)
    const two = fuse([signal('ou-funding', 1, 0.5), signal('kalman-funding', 0, 0)], uniform, options)
    expect(one.conviction).toBe(two.conviction)
    expect(one.contributions[1]).toMatchObject({ source: 'kalman-funding', value: 0, unavailable: 'no funding' })
  })

  it('takes horizon and expectation from the signals that agree', () => {
    const expected = { funding: 0.001, reversion: 0.002 }
    const fused = fuse(
      [
        signal('ou-funding', 1, 1, { horizonHours: 8, expected }),
        signal('kalman-funding', -1, 0.1, { horizonHours: 40, expected: { funding: 9, reversion: 9 } }),
      ],
      uniform,
      options,
    )
    expect(fused).toMatchObject({ direction: 1, horizonHours: 8, expected })
    expect(fuse([signal('ou-funding', 1, 1)], uniform, options)).not.toHaveProperty('expected')
  })

  it('ignores a source without a weight', () => {
    expect(fuse([signal('rumour', 1, 1)], uniform, options)).toMatchObject({ direction: 0, conviction: 0 })
  })

  it('stays between 0 and 1', () => {
    const direction = fc.constantFrom<Direction>(-1, 0, 1)
    const strength = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(direction, strength, direction, strength, strength, (a, s, b, t, p) => {
        const { conviction, direction: fused } = fuse(
          [signal('ou-funding', a, s), signal('kalman-funding', b, t)],
          [p, (1 - p) / 2, (1 - p) / 2],
          options,
        )
        expect(conviction).toBeGreaterThanOrEqual(0)
        expect(conviction).toBeLessThanOrEqual(1)
        if (fused === 0) expect(conviction).toBe(0)
      }),
      { seed: 3 },
    )
  })
})
