import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { mostProbable } from '#models/regime.ts'
import {
  classScores,
  confusionMatrix,
  hourlyOrder,
  logLoss,
  meanDivergence,
  NO_REGIME,
  occupancy,
  stability,
} from '#training/metrics.ts'

interface Case {
  name: string
  truth: number[]
  probabilities: number[]
  confusion: number[][]
  accuracy: number
  precision: number[]
  recall: number[]
  f1: number[]
  macroF1: number
  logLoss: number
}

const fixture = readFileSync(join(import.meta.dirname, 'fixtures/classification-scores.json'), 'utf8')
const { cases } = JSON.parse(fixture) as { cases: Case[] }

describe.each(cases)('against scikit-learn: $name', (reference) => {
  const truth = Uint8Array.from(reference.truth)
  const probabilities = Float32Array.from(reference.probabilities)
  const prediction = truth.map((_, i) => mostProbable(probabilities, i))
  const confusion = confusionMatrix(truth, prediction)

  it('counts the same confusion matrix, rows truth and columns prediction', () => {
    expect([...confusion]).toEqual(reference.confusion.flat())
  })

  it('gives the same accuracy, precision, recall, F1 and macro-F1', () => {
    const scores = classScores(confusion)
    expect(scores.accuracy).toBeCloseTo(reference.accuracy, 12)
    expect(scores.macroF1).toBeCloseTo(reference.macroF1, 12)
    for (let k = 0; k < 3; k++) {
      expect(scores.precision[k]).toBeCloseTo(reference.precision[k], 12)
      expect(scores.recall[k]).toBeCloseTo(reference.recall[k], 12)
      expect(scores.f1[k]).toBeCloseTo(reference.f1[k], 12)
    }
  })

  it('gives the same log-loss', () => {
    expect(logLoss(truth, probabilities)).toBeCloseTo(reference.logLoss, 5)
  })
})

describe('scores of nothing', () => {
  it('are not a number rather than a perfect or a hopeless score', () => {
    const scores = classScores(new Float64Array(9))
    expect([scores.accuracy, scores.macroF1, ...scores.f1, ...scores.recall].every(Number.isNaN)).toBe(true)
    expect(logLoss(new Uint8Array(1), new Float32Array([Number.NaN, Number.NaN, Number.NaN]))).toBeNaN()
    // One missing number is a row without an answer, whichever class it belongs to.
    expect(logLoss(Uint8Array.of(0, 0), new Float32Array([0.5, Number.NaN, 0.25, 0.25, 0.5, 0.25]))).toBeCloseTo(
      Math.log(4),
      6,
    )
    expect(occupancy(new Uint8Array([NO_REGIME])).every(Number.isNaN)).toBe(true)
  })

  it('leave unanswered rows out of every count', () => {
    const confusion = confusionMatrix(new Uint8Array([0, 1, 2]), new Uint8Array([0, NO_REGIME, 2]))
    expect(classScores(confusion)).toMatchObject({ n: 2, accuracy: 1 })
  })
})

describe('churn and dwell', () => {
  const hours = (...values: number[]) => Float64Array.from(values, (value) => value * HOUR)

  it('count changes of label per day over consecutive hours', () => {
    const order = hourlyOrder(['A', 'A', 'A', 'A', 'A'], hours(0, 1, 2, 3, 4))
    expect(stability(order, new Uint8Array([0, 0, 1, 1, 0]))).toEqual({ churnPerDay: 12, meanDwellHours: 5 / 3 })
  })

  it('do not count a change across a gap, an unanswered hour or another coin', () => {
    const order = hourlyOrder(['A', 'A', 'A', 'A', 'B', 'B'], hours(0, 1, 5, 6, 0, 1))
    const labels = new Uint8Array([0, 0, 1, 1, 2, 2])
    expect(stability(order, labels)).toEqual({ churnPerDay: 0, meanDwellHours: 2 })
    const silent = hourlyOrder(['A', 'A', 'A', 'A', 'A'], hours(0, 1, 2, 3, 4))
    expect(stability(silent, new Uint8Array([0, 0, NO_REGIME, 1, 1])).churnPerDay).toBe(0)
  })

  it('are unknown where no two hours follow each other', () => {
    const order = hourlyOrder(['A', 'A'], hours(0, 3))
    expect(stability(order, new Uint8Array([0, 1]))).toEqual({ churnPerDay: Number.NaN, meanDwellHours: Number.NaN })
  })

  it('do not depend on the order of the samples', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ coin: fc.constantFrom('A', 'B'), label: fc.nat(2) }), { minLength: 2, maxLength: 60 }),
        fc.infiniteStream(fc.nat()),
        (rows, keys) => {
          const samples = rows.map((row, i) => ({ ...row, asOf: i * HOUR, key: keys.next().value as number }))
          const shuffled = samples.toSorted((a, b) => a.key - b.key)
          const measure = (list: typeof samples) =>
            stability(
              hourlyOrder(
                list.map(({ coin }) => coin),
                Float64Array.from(list, ({ asOf }) => asOf),
              ),
              Uint8Array.from(list, ({ label }) => label),
            )
          expect(measure(shuffled)).toEqual(measure(samples))
        },
      ),
      { numRuns: 50 },
    )
  })

  it('refuse two samples of one coin at one time', () => {
    expect(() => hourlyOrder(['ETH', 'ETH'], hours(1, 1))).toThrow(/ETH has two samples at 1970-01-01T01:00/)
  })
})

describe('divergence', () => {
  it('is zero for the same distribution and positive for any other', () => {
    const row = fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)).map(([a, b, c]) => {
      const total = a + b + c + 3
      return [(a + 1) / total, (b + 1) / total, (c + 1) / total]
    })
    fc.assert(
      fc.property(row, row, (p, q) => {
        expect(meanDivergence(Float32Array.from(p), Float32Array.from(p))).toBeCloseTo(0, 6)
        expect(meanDivergence(Float32Array.from(p), Float32Array.from(q))).toBeGreaterThan(-1e-6)
      }),
    )
  })

  it('is the textbook value in nats', () => {
    const value = meanDivergence(new Float32Array([0.5, 0.5, 0]), new Float32Array([0.25, 0.5, 0.25]))
    expect(value).toBeCloseTo(0.5 * Math.log(2), 6)
  })
})
