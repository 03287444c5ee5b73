import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import {
  deflatedSharpe,
  expectedMaximumSharpe,
  probabilisticSharpe,
  sharpeMoments,
} from '#statistics/deflated-sharpe.ts'
import { peers } from './peers.ts'

describe('the deflated Sharpe ratio', () => {
  it("gives the numbers of the paper's own example", () => {
    // Bailey and López de Prado 2014, "A numerical example": annual ratio 2.5 over 5 years of days, 100 trials whose
    // annual ratios have variance 1/2.
    const moments = { sharpe: 2.5 / Math.sqrt(250), skewness: -3, kurtosis: 10, periods: 1250 }
    const maximum = expectedMaximumSharpe(100, 1 / 500)
    expect(maximum).toBeCloseTo(0.1132, 4)
    expect(probabilisticSharpe(moments, maximum)).toBeCloseTo(0.9004, 4)
    expect(probabilisticSharpe(moments, expectedMaximumSharpe(46, 1 / 500))).toBeCloseTo(0.9505, 4)
    const normal = { ...moments, skewness: 0, kurtosis: 3 }
    expect(probabilisticSharpe(normal, expectedMaximumSharpe(88, 1 / 500))).toBeCloseTo(0.9505, 4)
  })

  it('agrees with SciPy on moments and probabilities', () => {
    const reference = peers.sharpe
    const moments = sharpeMoments(reference.returns)
    expect(moments.sharpe).toBeCloseTo(reference.sharpe, 10)
    expect(moments.skewness).toBeCloseTo(reference.skewness, 10)
    expect(moments.kurtosis).toBeCloseTo(reference.kurtosis, 10)
    const answer = deflatedSharpe(moments, reference.trialSharpes)
    expect(answer.probabilistic).toBeCloseTo(reference.probabilistic, 9)
    expect(answer.expectedMaximum).toBeCloseTo(reference.expectedMaximum, 9)
    expect(answer.deflated).toBeCloseTo(reference.deflated, 9)
  })

  it('expects of the best of many what simulation shows', () => {
    const random = createRandom(1)
    let sum = 0
    for (let round = 0; round < 2000; round++) {
      let best = Number.NEGATIVE_INFINITY
      for (let trial = 0; trial < 50; trial++) best = Math.max(best, 0.1 * random.normal())
      sum += best / 2000
    }
    expect(expectedMaximumSharpe(50, 0.01) / sum).toBeCloseTo(1, 1)
  })

  it('falls as more is tried, and does not deflate a single trial', () => {
    const moments = { sharpe: 0.1, skewness: 0, kurtosis: 3, periods: 500 }
    expect(expectedMaximumSharpe(1, 0.01)).toBe(0)
    const few = deflatedSharpe(moments, [0.1, 0.02, -0.03])
    const more = deflatedSharpe(moments, [0.1, 0.02, -0.03], 300)
    expect(few.probabilistic).toBe(more.probabilistic)
    expect(few.deflated).toBeLessThan(few.probabilistic)
    expect(more.deflated).toBeLessThan(few.deflated)
    expect(deflatedSharpe(moments, [0.1]).deflated).toBe(deflatedSharpe(moments, [0.1]).probabilistic)
  })

  it('does not depend on the size of the bets', () => {
    const list = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 3, maxLength: 40 })
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 50 }), (returns, size) => {
        const plain = sharpeMoments(returns)
        const large = sharpeMoments(returns.map((value) => value * size))
        if (Number.isNaN(plain.sharpe)) expect(large.sharpe).toBeNaN()
        else expect(large.sharpe).toBeCloseTo(plain.sharpe, 9)
      }),
    )
  })

  it('knows no ratio of returns that never vary, or of none; and leaves missing ones out', () => {
    expect(sharpeMoments([0.1, 0.1, 0.1]).sharpe).toBeNaN()
    expect(sharpeMoments([0, 0]).sharpe).toBeNaN()
    expect(sharpeMoments([]).sharpe).toBeNaN()
    expect(sharpeMoments([1]).sharpe).toBeNaN()
    expect(sharpeMoments([1, Number.NaN, 2, 4])).toEqual(sharpeMoments([1, 2, 4]))
    expect(deflatedSharpe(sharpeMoments([0, 0]), [0.1, 0.2]).deflated).toBeNaN()
  })

  it('refuses a search without a trial', () => {
    expect(() => expectedMaximumSharpe(0, 0.01)).toThrow(/at least 1 trial/)
    expect(() => deflatedSharpe(sharpeMoments([1, 2, 4]), [])).toThrow(/at least 1 trial/)
  })
})
