import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { projectWeights, weightOf } from '#src/fusion/weights.ts'
import { FusionOptions } from '#src/options/fusion.ts'
import peer from './fixtures/projection.json' with { type: 'json' }

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
const options = FusionOptions.parse({ weights: { a: 0.5 } })

describe('projection of weights', () => {
  it('holds what is too great and shares the rest in proportion', () => {
    // 0.5 is held at 0.4; the rest of 1, 0.6, goes to the other two as 2 : 1.
    const projected = projectWeights([0.8, 0.2, 0.1], [0, 0, 0], [0.4, 1, 1], 1)
    expect(projected).toEqual([0.4, expect.closeTo(0.4, 12), expect.closeTo(0.2, 12)])
  })

  it('agrees with a general solver', () => {
    for (const { expected, high, low, total, wanted } of peer.cases) {
      const projected = projectWeights(wanted, low, high, total)
      expect(projected).toEqual(expected.map((weight) => expect.closeTo(weight, 5)))
    }
    // Some cases touch both kinds of bounds.
    const touched = (bound: 'low' | 'high') =>
      peer.cases.some((each) => each.expected.some((weight, i) => Math.abs(weight - each[bound][i]) < 1e-7))
    expect([touched('low'), touched('high')]).toEqual([true, true])
  })

  it('keeps to bounds and sum, and changes nothing that keeps to them', () => {
    const weight = fc.record({
      configured: fc.double({ min: 1e-3, max: 1, noNaN: true }),
      luck: fc.double({ min: -20, max: 20, noNaN: true }),
    })
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1, maxLength: 8 }), (weights) => {
        const configured = weights.map((each) => each.configured)
        const low = configured.map((value) => 0.25 * value)
        const high = configured.map((value) => 4 * value)
        const total = sum(configured)
        const wanted = weights.map((each) => each.configured * Math.exp(each.luck))
        const projected = projectWeights(wanted, low, high, total)
        expect(sum(projected)).toBeCloseTo(total, 9)
        for (const [i, value] of projected.entries()) {
          expect(value).toBeGreaterThanOrEqual(low[i])
          expect(value).toBeLessThanOrEqual(high[i])
        }
        const again = projectWeights(projected, low, high, sum(projected))
        expect(again).toEqual(projected.map((value) => expect.closeTo(value, 9)))
        const order = wanted.map((value, i) => value / configured[i])
        for (const [i, value] of projected.entries()) {
          for (const [j, other] of projected.entries()) {
            if (order[i] >= order[j]) expect(value / configured[i]).toBeGreaterThanOrEqual(other / configured[j] - 1e-9)
          }
        }
      }),
      { seed: 6 },
    )
  })
})

describe('weight in force', () => {
  it('is the learned one within the bounds of the configured one', () => {
    expect(weightOf('a', options)).toBe(0.5)
    expect(weightOf('a', options, { a: 1 })).toBe(1)
    expect(weightOf('a', options, { a: 99 })).toBe(2)
    expect(weightOf('a', options, { a: 0 })).toBe(0.125)
    expect(weightOf('a', options, { b: 7 })).toBe(0.5)
  })

  it('is none for a source that is not configured, whatever it is called', () => {
    expect(weightOf('b', options, { b: 7 })).toBe(0)
    expect(weightOf('constructor', options)).toBe(0)
  })
})
