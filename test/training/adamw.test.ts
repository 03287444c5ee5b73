import { describe, expect, it } from 'vitest'
import { createAdamW } from '#training/adamw.ts'

const settings = { learningRate: 0.1, weightDecay: 0, clipNorm: 1e9 }

describe('AdamW', () => {
  it('takes the first steps that the algorithm prescribes', () => {
    const parameters = Float32Array.of(1, -2)
    const optimiser = createAdamW(2, { ...settings, weightDecay: 0.01 })
    optimiser.step(parameters, Float32Array.of(0.5, -4))
    // After the bias correction the first update is the gradient's sign; the decay is apart from it.
    expect(parameters[0]).toBeCloseTo(1 - 0.1 * (1 + 0.01 * 1), 6)
    expect(parameters[1]).toBeCloseTo(-2 + 0.1 * (1 + 0.01 * 2), 6)
  })

  it('finds the lowest point of a badly scaled bowl', () => {
    const parameters = Float32Array.of(5, 5)
    const optimiser = createAdamW(2, settings)
    for (let i = 0; i < 2000; i++) {
      optimiser.step(parameters, Float32Array.of(100 * (parameters[0] - 1), 0.1 * (parameters[1] + 1)), 0.05)
    }
    expect(parameters[0]).toBeCloseTo(1, 2)
    expect(parameters[1]).toBeCloseTo(-1, 2)
  })

  it('scales a long gradient down to the norm allowed, and says how long it was', () => {
    const clipped = Float32Array.of(0, 0)
    const short = Float32Array.of(0, 0)
    const first = createAdamW(2, { ...settings, clipNorm: 1 })
    const second = createAdamW(2, settings)
    expect(first.step(clipped, Float32Array.of(30, 40))).toBe(50)
    second.step(short, Float32Array.of(0.6, 0.8))
    first.step(clipped, Float32Array.of(0.1, 0))
    second.step(short, Float32Array.of(0.1, 0))
    expect(clipped).toEqual(short)
  })
})
