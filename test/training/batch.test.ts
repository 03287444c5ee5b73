import { describe, expect, it } from 'vitest'
import { computeFeatures } from '#data/features.ts'
import { createRandom } from '#data/random.ts'
import { buildWindows } from '#data/windows.ts'
import { drawMirrored, dropoutMask, mirrorReturns, weightedTargets } from '#training/batch.ts'
import { randomBars } from '../markets.ts'

describe('a training batch', () => {
  it('has about half of its windows upside down: returns change their sign, nothing else does', () => {
    const channels = ['volatility', 'return', 'funding', 'return12']
    const table = computeFeatures(randomBars(1, 400))
    const ends = Array.from({ length: 200 }, (_, i) => ({ table, row: 190 + i }))
    const [before, after] = [buildWindows(ends, 4, channels), buildWindows(ends, 4, channels)]
    mirrorReturns(after, drawMirrored(200, createRandom(1)))
    let mirrored = 0
    for (let n = 0; n < 200; n++) {
      const signs = new Set<number>()
      for (let i = n * 16; i < (n + 1) * 16; i++) {
        if (i % 2 === 1) signs.add(Math.sign(before.features[i]) * Math.sign(after.features[i]))
        else expect(after.features[i]).toBe(before.features[i])
        expect(Math.abs(after.features[i])).toBe(Math.abs(before.features[i]))
      }
      expect(signs.size).toBe(1)
      if (signs.has(-1)) mirrored++
    }
    expect(mirrored).toBeGreaterThan(70)
    expect(mirrored).toBeLessThan(130)
  })

  it('aims at smoothed targets, each sample weighted by its class', () => {
    const { probabilities, weights } = weightedTargets(Uint8Array.of(0, 2), Float64Array.of(3, 9, 1), 0.3)
    expect([...probabilities].map((value) => Number(value.toFixed(6)))).toEqual([0.8, 0.1, 0.1, 0.1, 0.1, 0.8])
    expect([...weights]).toEqual([0.75, 0.25])
  })

  it('drops the share asked for and scales up the rest, so that the mean stays', () => {
    const mask = dropoutMask(20_000, 0.2, createRandom(1))!
    expect(new Set(mask)).toEqual(new Set([0, 1.25]))
    expect(mask.reduce((sum, value) => sum + value, 0) / mask.length).toBeCloseTo(1, 1)
    expect(dropoutMask(10, 0, createRandom(1))).toBeUndefined()
  })
})
