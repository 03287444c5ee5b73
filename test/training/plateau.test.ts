import { describe, expect, it } from 'vitest'
import { createPlateau } from '#training/plateau.ts'

const follow = (losses: readonly number[], options = { learningRate: 8, decayPatience: 2, patience: 5 }) => {
  const plateau = createPlateau(options)
  return losses.map((loss) => ({ ...plateau.observe(loss), rate: plateau.learningRate() }))
}

describe('a plateau', () => {
  it('knows the lowest loss so far; the same again is no improvement', () => {
    expect(follow([3, 2, 2, 1, 4]).map(({ improved }) => improved)).toEqual([true, true, false, true, false])
  })

  it('halves the rate after every decayPatience epochs without a better loss', () => {
    expect(follow([1, 2, 2, 2, 2]).map(({ rate }) => rate)).toEqual([8, 8, 4, 4, 2])
    expect(follow([1, 2, 0.5, 2, 2]).map(({ decayed }) => decayed)).toEqual([false, false, false, false, true])
  })

  it('stops after patience epochs without a better loss, whatever the rate did', () => {
    expect(follow([1, 2, 2, 2, 2, 2]).map(({ stop }) => stop)).toEqual([false, false, false, false, false, true])
    expect(follow([1, 2, 2, 2, 0.5, 2, 2]).some(({ stop }) => stop)).toBe(false)
  })
})
