import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { partOf, splitByTime } from '#training/splits.ts'

const from = Date.UTC(2025, 0, 1)

describe('splitByTime', () => {
  it('takes the last fifth for the test and the tenth before it for validation', () => {
    const split = splitByTime({ from, to: from + 1000 * HOUR }, 12)
    expect((split.test.from - from) / HOUR).toBe(800)
    expect((split.validation.from - from) / HOUR).toBe(700)
  })

  it('begins the test where it is told to', () => {
    const split = splitByTime({ from, to: from + 1000 * HOUR }, 12, from + 600 * HOUR)
    expect((split.test.from - from) / HOUR).toBe(600)
    expect((split.validation.from - from) / HOUR).toBe(500)
  })

  it('refuses a range that is too short, or a test that begins outside it', () => {
    expect(() => splitByTime({ from, to: from + 200 * HOUR }, 12)).toThrow(/no room for a split/)
    expect(() => splitByTime({ from, to: from + 1000 * HOUR }, 12, from + 990 * HOUR)).toThrow(/no room/)
  })

  it('never lets labels of two parts share an hour', () => {
    fc.assert(
      fc.property(fc.integer({ min: 600, max: 4000 }), fc.integer({ min: 1, max: 14 }), (hours, halfWidth) => {
        const split = splitByTime({ from, to: from + hours * HOUR }, halfWidth)
        const reach: Record<string, { first: number; last: number }> = {}
        for (let hour = 0; hour < hours; hour++) {
          const part = partOf(split, from + hour * HOUR)
          if (!part) continue
          reach[part] ??= { first: hour - halfWidth, last: hour + halfWidth }
          reach[part].last = hour + halfWidth
        }
        expect(reach.train.last).toBeLessThan(reach.validation.first + 1)
        expect(reach.validation.last).toBeLessThan(reach.test.first + 1)
        expect((split.validation.from - from) / HOUR - (reach.train.last - halfWidth)).toBeGreaterThan(halfWidth)
      }),
    )
  })

  it('has no part for what lies outside', () => {
    const split = splitByTime({ from, to: from + 1000 * HOUR }, 12)
    expect(partOf(split, from - HOUR)).toBeUndefined()
    expect(partOf(split, from + 1000 * HOUR)).toBeUndefined()
  })
})
