import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { walkForwardSelection } from '#statistics/walk-forward-selection.ts'

const noise = (seed: number, periods: number, mean = 0) => {
  const random = createRandom(seed)
  return Array.from({ length: periods }, () => mean + 0.01 * random.normal())
}

describe('walk-forward selection', () => {
  it('chooses by the past and lives through the next block with it', () => {
    const rising = [1, 2, 1, 2, -5, -6]
    const falling = [-1, -2, -1, -2, 7, 8]
    const found = walkForwardSelection([falling, rising], 3)!
    expect(found.steps).toMatchObject([
      { from: 2, to: 4, chosen: 1 },
      { from: 4, to: 6, chosen: 1 },
    ])
    expect(found.returns).toEqual([1, 2, -5, -6])
    expect(found.moments.periods).toBe(4)
  })

  it('finds the one that is better all along', () => {
    const rows = [noise(1, 600), noise(2, 600, 0.004), noise(3, 600)]
    const found = walkForwardSelection(rows, 6)!
    expect(found.steps.map(({ chosen }) => chosen)).toEqual([1, 1, 1, 1, 1])
    expect(found.returns).toEqual(rows[1].slice(100))
  })

  it('does not look at the block that it chooses for, nor beyond', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 5 }), (seed, block) => {
        const rows = Array.from({ length: 5 }, (_, i) => noise(seed + i, 120))
        const from = block * 20
        const other = rows.map((row, i) => [...row.slice(0, from), ...noise(seed + 100 + i, 120 - from, 0.1)])
        const upTo = (all: number[][]) => walkForwardSelection(all, 6)!.steps.filter((step) => step.from <= from)
        expect(upTo(other).map(({ chosen, before }) => [chosen, before])).toEqual(
          upTo(rows).map(({ chosen, before }) => [chosen, before]),
        )
      }),
      { numRuns: 30 },
    )
  })

  it('passes over rows that never traded, and says nothing where none did', () => {
    const still = new Array<number>(60).fill(0)
    expect(walkForwardSelection([still, noise(4, 60)], 3)!.steps.every(({ chosen }) => chosen === 1)).toBe(true)
    expect(walkForwardSelection([still, still], 3)).toBeUndefined()
  })

  it('refuses rows of different lengths and blocks without periods', () => {
    expect(() => walkForwardSelection([noise(1, 10), noise(2, 11)], 2)).toThrow(/different lengths/)
    expect(() => walkForwardSelection([noise(1, 5)], 3)).toThrow(/cannot be cut/)
  })
})
