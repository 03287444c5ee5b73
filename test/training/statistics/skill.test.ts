import { describe, expect, it } from 'vitest'
import { logLossSkill } from '#training/statistics/skill.ts'

const label = Uint8Array.of(0, 1, 2, 0)
const constant = (row: number[]) => Float32Array.from({ length: 12 }, (_, i) => row[i % 3])

describe('log-loss skill', () => {
  it('is 0 for the class frequencies of training, near 1 for the truth, below 0 for worse than nothing', () => {
    const frequencies = [0.5, 0.25, 0.25]
    expect(logLossSkill(label, constant(frequencies), frequencies).skill).toBeCloseTo(0, 6)
    const truth = Float32Array.from({ length: 12 }, (_, i) => (label[Math.floor(i / 3)] === i % 3 ? 1 : 0))
    expect(logLossSkill(label, truth, frequencies).skill).toBeCloseTo(1, 5)
    expect(logLossSkill(label, constant([0.05, 0.05, 0.9]), frequencies).skill).toBeLessThan(0)
  })

  it('is the textbook value', () => {
    const { skill, loss, reference } = logLossSkill(label, constant([0.5, 0.25, 0.25]), [1 / 3, 1 / 3, 1 / 3])
    expect(loss).toBeCloseTo(1.5 * Math.log(2), 6)
    expect(reference).toBeCloseTo(Math.log(3), 6)
    expect(skill).toBeCloseTo(1 - (1.5 * Math.log(2)) / Math.log(3), 6)
  })

  it('measures both on the samples that were answered', () => {
    const some = constant([0.5, 0.25, 0.25])
    some[1] = Number.NaN
    const { reference } = logLossSkill(label, some, [0.6, 0.2, 0.2])
    expect(reference).toBeCloseTo(-(Math.log(0.6) + 2 * Math.log(0.2)) / 3, 6)
    const none = new Float32Array(12).fill(Number.NaN)
    expect(logLossSkill(label, none, [0.6, 0.2, 0.2])).toEqual({
      skill: Number.NaN,
      loss: Number.NaN,
      reference: Number.NaN,
    })
  })

  it('refuses frequencies that are no distribution', () => {
    const probabilities = constant([0.5, 0.25, 0.25])
    for (const wrong of [
      [0.5, 0.5],
      [0.5, 0.5, 0.5],
      [1.5, -0.5, 0],
      [Number.NaN, 0.5, 0.5],
    ]) {
      expect(() => logLossSkill(label, probabilities, wrong)).toThrow(/class frequencies must be 3 shares/)
    }
  })
})
