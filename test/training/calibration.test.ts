import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CALIBRATION_BINS, type Calibration, calibration, regimeCalibration } from '#training/calibration.ts'

/** A calibration curve of scikit-learn, which leaves empty bins out. */
interface Curve {
  binCounts: number[]
  accuracy: number[]
  confidence: number[]
  ece: number
}

interface Case {
  name: string
  truth: number[]
  probabilities: number[]
  top: Curve
  regimes: Curve[]
}

const fixture = readFileSync(join(import.meta.dirname, 'fixtures/classification-scores.json'), 'utf8')
const { cases } = JSON.parse(fixture) as { cases: Case[] }

function expectCurve({ bins, ece }: Calibration, reference: Curve): void {
  const filled = bins.filter(({ count }) => count > 0)
  expect(bins.map(({ count }) => count)).toEqual(reference.binCounts)
  expect(filled).toHaveLength(reference.accuracy.length)
  filled.forEach(({ accuracy, confidence }, i) => {
    expect(accuracy).toBeCloseTo(reference.accuracy[i], 12)
    expect(confidence).toBeCloseTo(reference.confidence[i], 6)
  })
  expect(ece).toBeCloseTo(reference.ece, 6)
}

describe.each(cases)("against scikit-learn's calibration curve: $name", (reference) => {
  const truth = Uint8Array.from(reference.truth)
  const probabilities = Float32Array.from(reference.probabilities)

  it('finds the same bins and calibration error of the most probable class', () => {
    expectCurve(calibration(truth, probabilities), reference.top)
  })

  it('finds the same for the probability of each regime', () => {
    reference.regimes.forEach((curve, regime) => {
      expectCurve(regimeCalibration(truth, probabilities, regime), curve)
    })
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
