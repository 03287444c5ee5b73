import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { classScores, confusionMatrix, logLoss, NO_REGIME } from '#training/metrics.ts'
import {
  bootstrapLogLossDifference,
  bootstrapMacroF1,
  bootstrapMacroF1Difference,
} from '#training/statistics/bootstrap.ts'
import { forecasts } from './panel.ts'

const macroF1 = (label: Uint8Array, prediction: Uint8Array) => classScores(confusionMatrix(label, prediction)).macroF1
const options = (seed = 1) => ({ blockHours: 24, resamples: 300, random: createRandom(seed) })

describe('the bootstrap of macro-F1', () => {
  const sample = forecasts(createRandom(3), 400, 3, 0.9)

  it('estimates what the metric itself says', () => {
    const { difference, estimate } = bootstrapMacroF1Difference({ ...sample, ...options() })
    expect(difference).toBeCloseTo(macroF1(sample.label, sample.first) - macroF1(sample.label, sample.second), 12)
    expect(estimate).toBe(difference)
    const single = bootstrapMacroF1({ ...sample, ...options(), prediction: sample.first })
    expect(single.estimate).toBeCloseTo(macroF1(sample.label, sample.first), 12)
    expect(single.low).toBeLessThan(single.estimate)
    expect(single.high).toBeGreaterThan(single.estimate)
  })

  it('covers the truth about as often as it says, where hours and coins depend on each other', () => {
    const long = forecasts(createRandom(99), 60_000, 3, 0.9)
    const truth = macroF1(long.label, long.first) - macroF1(long.label, long.second)
    let covered = 0
    let coveredByIndependence = 0
    const rounds = 150
    for (let r = 0; r < rounds; r++) {
      const random = createRandom(r)
      const drawn = { ...forecasts(random, 600, 3, 0.9), resamples: 200, random }
      const inside = ({ low, high }: { low: number; high: number }) => (low <= truth && truth <= high ? 1 : 0)
      covered += inside(bootstrapMacroF1Difference({ ...drawn, blockHours: 48 }))
      coveredByIndependence += inside(bootstrapMacroF1Difference({ ...drawn, blockHours: 1 }))
    }
    expect(covered / rounds).toBeGreaterThan(0.89)
    expect(coveredByIndependence / rounds).toBeLessThan(0.8)
  })

  it('is narrower for a pair than for two models taken apart', () => {
    const pair = bootstrapMacroF1Difference({ ...sample, ...options() })
    const first = bootstrapMacroF1({ ...sample, ...options(), prediction: sample.first })
    const second = bootstrapMacroF1({ ...sample, ...options(), prediction: sample.second })
    expect(pair.high - pair.low).toBeLessThan(Math.hypot(first.high - first.low, second.high - second.low))
  })

  it('finds no difference at all between a model and itself', () => {
    const same = bootstrapMacroF1Difference({ ...sample, ...options(), second: sample.first })
    expect(same).toMatchObject({ difference: 0, low: 0, high: 0, p: 1 })
  })

  it('changes its sign when the models change places', () => {
    const one = bootstrapMacroF1Difference({ ...sample, ...options() })
    const other = bootstrapMacroF1Difference({ ...sample, ...options(), first: sample.second, second: sample.first })
    expect(other.difference).toBeCloseTo(-one.difference, 12)
    expect(other.low).toBeCloseTo(-one.high, 12)
    expect(other.high).toBeCloseTo(-one.low, 12)
    expect(other.p).toBeCloseTo(one.p, 12)
  })

  it('does not depend on the order of the samples, nor on when the period was', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: -1000, max: 1000 }), (seed, shift) => {
        const small = forecasts(createRandom(5), 130, 2, 0.8)
        const order = Uint32Array.from(small.asOf.keys())
        createRandom(seed).shuffle(order)
        const pick = (values: Uint8Array) => Uint8Array.from(order, (i) => values[i])
        const moved = {
          asOf: Float64Array.from(order, (i) => small.asOf[i] + shift * HOUR),
          label: pick(small.label),
          first: pick(small.first),
          second: pick(small.second),
        }
        expect(bootstrapMacroF1Difference({ ...moved, ...options() })).toEqual(
          bootstrapMacroF1Difference({ ...small, ...options() }),
        )
      }),
      { numRuns: 20 },
    )
  })

  it('gives a p below 5 % exactly when the 95 % interval leaves out 0', () => {
    let significant = 0
    for (let seed = 0; seed < 60; seed++) {
      const drawn = forecasts(createRandom(seed), 200, 2, 0.7)
      const { low, high, p } = bootstrapMacroF1Difference({ ...drawn, ...options(seed), resamples: 999 })
      // The p counts whole resamples and the bounds lie between two of them: at the very edge they may disagree.
      if (Math.abs(p - 0.05) < 0.01) continue
      expect(p < 0.05).toBe(low > 0 || high < 0)
      if (p < 0.05) significant++
    }
    expect(significant).toBeGreaterThan(3)
    expect(significant).toBeLessThan(57)
  })

  it('compares only what both answered', () => {
    const silent = sample.second.slice()
    for (let i = 0; i < 500; i++) silent[i] = NO_REGIME
    const whole = bootstrapMacroF1Difference({ ...sample, ...options(), second: silent })
    const cut = (values: Uint8Array) => values.subarray(500)
    const rest = bootstrapMacroF1Difference({
      asOf: sample.asOf.subarray(500),
      label: cut(sample.label),
      first: cut(sample.first),
      second: cut(sample.second),
      ...options(),
    })
    expect(whole.samples).toBe(700)
    expect(whole).toEqual(rest)
  })

  it('averages several runs of a model and grows wider by how much they differ', () => {
    const runs = [sample.first, sample.second]
    const mean = bootstrapMacroF1({ ...sample, ...options(), prediction: runs })
    expect(mean.estimate).toBeCloseTo(
      (macroF1(sample.label, sample.first) + macroF1(sample.label, sample.second)) / 2,
      12,
    )
    const poor = sample.label.map((value) => (value + 1) % 3)
    const unlike = bootstrapMacroF1({ ...sample, ...options(), prediction: [sample.label, poor] })
    expect(unlike.estimate).toBeCloseTo(0.5, 12)
    expect([unlike.low, unlike.high]).toEqual([0, 1])
  })

  it('says nothing of the spread when the data hold fewer than five blocks, but still gives the estimate', () => {
    const short = bootstrapMacroF1Difference({ ...sample, ...options(), blockHours: 81 })
    expect(short.difference).not.toBeNaN()
    expect([short.low, short.high, short.p].every(Number.isNaN)).toBe(true)
    expect(bootstrapMacroF1Difference({ ...sample, ...options(), blockHours: 80 }).low).not.toBeNaN()
  })

  it('knows nothing where no model answered', () => {
    const none = new Uint8Array(sample.label.length).fill(NO_REGIME)
    const answer = bootstrapMacroF1({ ...sample, ...options(), prediction: none })
    expect(answer).toMatchObject({ estimate: Number.NaN, low: Number.NaN, hours: 0, samples: 0 })
  })

  it('refuses lengths, labels and options that cannot be', () => {
    const input = { ...sample, ...options() }
    const attempt = (change: object) => () => bootstrapMacroF1Difference({ ...input, ...change })
    expect(attempt({ first: new Uint8Array(3) })).toThrow(/prediction has 3 values, must have 1200/)
    expect(attempt({ first: [] })).toThrow(InputError)
    expect(attempt({ label: new Uint8Array(1200).fill(3) })).toThrow(/label of sample 0 is 3/)
    expect(attempt({ second: new Uint8Array(1200).fill(7) })).toThrow(/a prediction is 7/)
    expect(attempt({ blockHours: 0 })).toThrow(/blockHours is 0/)
    expect(attempt({ blockHours: 1.5 })).toThrow(InputError)
    expect(attempt({ resamples: 0 })).toThrow(/resamples is 0/)
    expect(attempt({ level: 95 })).toThrow(/level is 95/)
  })
})

describe('the bootstrap of log-loss', () => {
  const { asOf, label } = forecasts(createRandom(8), 300, 2, 0.9)
  const probabilities = (sharpness: number) =>
    Float32Array.from({ length: label.length * 3 }, (_, i) => {
      return label[Math.floor(i / 3)] === i % 3 ? sharpness : (1 - sharpness) / 2
    })

  it('estimates the difference of the metric over the samples that both answered', () => {
    const first = probabilities(0.6)
    const second = probabilities(0.5)
    first.fill(Number.NaN, 0, 300)
    const answer = bootstrapLogLossDifference({ asOf, label, first, second, ...options() })
    const common = second.slice().fill(Number.NaN, 0, 300)
    expect(answer.samples).toBe(500)
    expect(answer.difference).toBeCloseTo(logLoss(label, first) - logLoss(label, common), 6)
    // Every sample differs by the same: there is nothing to be unsure of.
    expect(answer.high - answer.low).toBeLessThan(1e-9)
    expect(answer.p).toBeLessThan(0.05)
  })

  it('refuses probabilities of another length', () => {
    const input = { asOf, label, first: probabilities(0.5), second: new Float32Array(3), ...options() }
    expect(() => bootstrapLogLossDifference(input)).toThrow(/second has 3 values/)
  })
})
