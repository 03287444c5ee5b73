import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'

const draws = (seed: number, count: number) => {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => random.uniform())
}

describe('random numbers', () => {
  it('are the same for the same seed', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(draws(seed, 20)).toEqual(draws(seed, 20))
      }),
    )
  })

  it('have nothing in common for neighbouring seeds', () => {
    for (let seed = 0; seed < 50; seed++) {
      const [a, b] = [draws(seed, 200), draws(seed + 1, 200)]
      const product = a.reduce((sum, value, i) => sum + (value - 0.5) * (b[i] - 0.5), 0) / 200
      // Five standard errors of the mean product of two independent uniform numbers.
      expect(Math.abs(product)).toBeLessThan((5 * (1 / 12)) / Math.sqrt(200))
    }
  })

  it('fill their ranges evenly', () => {
    const random = createRandom(4)
    const counts = new Uint32Array(7)
    for (let i = 0; i < 7000; i++) counts[random.integer(7)]++
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
    let sum = 0
    let squares = 0
    for (let i = 0; i < 20_000; i++) {
      const value = random.normal()
      sum += value
      squares += value * value
    }
    expect(Math.abs(sum / 20_000)).toBeLessThan(0.03)
    expect(Math.abs(squares / 20_000 - 1)).toBeLessThan(0.05)
  })

  it('fork into streams that depend on seed and label only', () => {
    const parent = createRandom(9)
    parent.uniform()
    expect(parent.fork('a').uniform()).toBe(createRandom(9).fork('a').uniform())
    expect(parent.fork('a').uniform()).not.toBe(parent.fork('b').uniform())
    expect(parent.fork('a').fork('b').uniform()).not.toBe(parent.fork('b').fork('a').uniform())
  })

  it('fork into other streams for another seed', () => {
    const first = (seed: number) => createRandom(seed).fork('start').uniform()
    expect(new Set([1, 2, 3, 4].map(first)).size).toBe(4)
  })

  it('shuffle without losing anything', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 50 }), (seed, length) => {
        const values = Uint32Array.from({ length }, (_, i) => i)
        createRandom(seed).shuffle(values)
        expect(Array.from(values).sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i))
      }),
    )
  })
})
