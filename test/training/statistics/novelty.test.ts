import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { fitNovelty, novelShare, noveltyScores } from '#training/statistics/novelty.ts'
import { farthest, peers } from '../../statistics/peers.ts'

const normal = (seed: number, length: number) => {
  const random = createRandom(seed)
  return Float32Array.from({ length }, () => random.normal())
}

describe('novelty against scikit-learn', () => {
  const { size, training, asked, shrinkage, distances, quantile99, two } = peers.states

  it('shrinks the covariance as Ledoit and Wolf do, two units that are one included', () => {
    const model = fitNovelty(Float32Array.from(training), size)
    expect(model.shrinkage).toBeCloseTo(shrinkage, 10)
    expect(farthest(noveltyScores(model, Float32Array.from(asked)), distances)).toBeLessThan(1e-9)
    expect(model.quantiles.find(({ level }) => level === 0.99)?.distance).toBeCloseTo(quantile99, 9)
  })

  it('comes near the plain covariance where there are states enough', () => {
    const model = fitNovelty(Float32Array.from(two.training), 2)
    const scores = noveltyScores(model, Float32Array.from(two.training.slice(0, 10)))
    expect(model.shrinkage).toBeCloseTo(two.shrinkage, 10)
    expect(farthest(scores, two.distances)).toBeLessThan(1e-9)
  })
})

describe('novelty', () => {
  const size = 5
  const model = fitNovelty(normal(1, 3000 * size), size)

  it('calls one in a hundred ordinary states novel, and nearly all that are unlike them', () => {
    expect(novelShare(model, noveltyScores(model, normal(2, 3000 * size)))).toBeCloseTo(0.01, 2)
    const unlike = normal(3, 500 * size).map((value) => value * 4)
    expect(novelShare(model, noveltyScores(model, unlike))).toBeGreaterThan(0.8)
  })

  it('is about the root of the size for ordinary states and 0 at their mean', () => {
    const scores = noveltyScores(model, normal(4, 2000 * size))
    const squares = scores.reduce((sum, value) => sum + value * value, 0) / scores.length
    expect(squares / size).toBeCloseTo(1, 1)
    expect(noveltyScores(model, Float32Array.from(model.mean))[0]).toBeLessThan(1e-5)
  })

  it('does not care about the unit of the states', () => {
    const states = normal(5, 200 * size)
    const small = states.map((value) => value * 1e-5)
    const [plain, tiny] = [fitNovelty(states, size), fitNovelty(small, size)]
    expect(farthest(noveltyScores(tiny, small), noveltyScores(plain, states))).toBeLessThan(1e-4)
  })

  it('survives JSON: it is plain data', () => {
    const states = normal(6, 10 * size)
    const again = JSON.parse(JSON.stringify(model))
    expect(noveltyScores(again, states)).toEqual(noveltyScores(model, states))
  })

  it('notices a unit that lay dead in training and wakes up', () => {
    const dead = normal(7, 1000 * size).map((value, i) => (i % size === 2 ? 0.5 : value))
    const quiet = fitNovelty(dead, size)
    const awake = normal(8, 100 * size)
    expect(novelShare(quiet, noveltyScores(quiet, awake))).toBeGreaterThan(0.6)
  })

  it('leaves states that are not finite out of the fit and without a score', () => {
    const states = normal(9, 100 * size)
    const holed = Float32Array.of(...states, 1, Number.NaN, 1, 1, 1, 1, Number.POSITIVE_INFINITY, 1, 1, 1)
    const fitted = fitNovelty(holed, size)
    expect(fitted.mean).toEqual(fitNovelty(states, size).mean)
    const scores = noveltyScores(fitted, holed)
    expect([...scores.subarray(100)].every(Number.isNaN)).toBe(true)
    expect([...scores.subarray(0, 100)].some(Number.isNaN)).toBe(false)
    expect(novelShare(fitted, scores.subarray(100))).toBeNaN()
  })

  it('works with a single unit', () => {
    const one = fitNovelty(Float32Array.of(1, 2, 3, 4, 5), 1)
    expect(farthest(noveltyScores(one, Float32Array.of(3, 5)), [0, Math.SQRT2])).toBeLessThan(1e-12)
  })

  it('refuses states that never differ, too few of them, and values that are no whole states', () => {
    expect(() => fitNovelty(new Float32Array(20).fill(0.3), size)).toThrow(/all states are the same/)
    expect(() => fitNovelty(new Float32Array(20).fill(Number.NaN), size)).toThrow(/0 usable states/)
    expect(() => fitNovelty(new Float32Array(21), size)).toThrow(/21 values are not whole states of 5/)
    expect(() => noveltyScores(model, new Float32Array(4))).toThrow(/not whole states/)
  })
})
