import { describe, expect, it } from 'vitest'
import { type Held, positionToGiveUp } from '#src/wheel/rotation.ts'

const options = { enabled: true, minGain: 0.0005 }
const held = (coin: string, expected: number): Held => ({ coin, direction: 1, expected })

describe('rotation', () => {
  it('gives up the position that is worth least, only where the gain pays', () => {
    const all = [held('AAA', 0.002), held('BBB', 0.0001), held('CCC', 0.001)]
    expect(positionToGiveUp(all, 0.0007, options)?.coin).toBe('BBB')
    expect(positionToGiveUp(all, 0.0006, options)).toBeUndefined()
    expect(positionToGiveUp(all, Number.NEGATIVE_INFINITY, options)).toBeUndefined()
  })

  it('gives up nothing where it is switched off or nothing is held', () => {
    expect(positionToGiveUp([held('AAA', -1)], 1, { ...options, enabled: false })).toBeUndefined()
    expect(positionToGiveUp([], 1, options)).toBeUndefined()
  })
})
