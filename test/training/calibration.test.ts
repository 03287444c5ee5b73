import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CALIBRATION_BINS, calibration } from '#training/calibration.ts'

interface Case {
  name: string
  truth: number[]
  probabilities: number[]
  binCounts: number[]
  ece: number
}

const fixture = readFileSync(join(import.meta.dirname, 'fixtures/classification-scores.json'), 'utf8')
const { cases } = JSON.parse(fixture) as { cases: Case[] }

describe.each(cases)('reliability against numpy: $name', (reference) => {
  const truth = Uint8Array.from(reference.truth)
  const result = calibration(truth, Float32Array.from(reference.probabilities))

  it('puts the same number of samples into each of 15 bins', () => {
    expect(result.bins.map(({ count }) => count)).toEqual(reference.binCounts)
  })

  it('finds the same expected calibration error', () => {
    expect(result.ece).toBeCloseTo(reference.ece, 6)
  })
})

describe('reliability', () => {
  it('is perfect when four fifths of the answers given at 80 % are right', () => {
    const probabilities = Float32Array.from({ length: 15 }, (_, i) => (i % 3 === 0 ? 0.8 : 0.1))
    const { ece, bins } = calibration(new Uint8Array([0, 0, 0, 0, 1]), probabilities)
    expect(ece).toBeCloseTo(0, 6)
    expect(bins.filter(({ count }) => count > 0)).toHaveLength(1)
  })

  it('leaves unanswered rows out and is unknown when nothing was answered', () => {
    const none = new Float32Array([Number.NaN, Number.NaN, Number.NaN])
    expect(calibration(new Uint8Array([0]), none).ece).toBeNaN()
    const some = calibration(new Uint8Array([0, 1]), new Float32Array([1, 0, 0, ...none]))
    expect(some.bins.reduce((sum, { count }) => sum + count, 0)).toBe(1)
    expect(some.ece).toBe(0)
  })

  it('covers confidence 0 to 1 without holes and says nothing of empty bins', () => {
    const { bins } = calibration(new Uint8Array([0]), new Float32Array([1, 0, 0]))
    expect(bins).toHaveLength(CALIBRATION_BINS)
    for (let i = 1; i < bins.length; i++) expect(bins[i].from).toBe(bins[i - 1].to)
    expect(bins[0].accuracy).toBeNaN()
    expect(bins.at(-1)).toMatchObject({ count: 1, accuracy: 1, confidence: 1, to: 1 })
  })
})
