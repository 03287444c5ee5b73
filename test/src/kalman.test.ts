import { describe, expect, it } from 'vitest'
import { filterLevel, fitLocalLevel, rollingZ } from '#src/kalman.ts'

describe('local level model', () => {
  it('steps through three values as by hand', () => {
    // Q = 1, R = 1. Start: level 0, P 1. Hour 2: P 2, F 3, v 3, level 2, P 2/3. Hour 3 missing: P 5/3. Hour 4: P 8/3, F 11/3.
    const state = filterLevel(Float64Array.of(0, 3, Number.NaN, 13), { levelVariance: 1, noiseVariance: 1 })
    expect(state.innovation).toBeCloseTo(11, 12)
    expect(state.innovationVariance).toBeCloseTo(11 / 3, 12)
    expect(state.level).toBeCloseTo(10, 12)
    expect(state.levelVariance).toBeCloseTo(8 / 11, 12)
  })

  it('only predicts where an observation is missing', () => {
    const state = filterLevel(Float64Array.of(0, 3, Number.NaN), { levelVariance: 1, noiseVariance: 1 })
    expect(state).toEqual({
      level: 2,
      levelVariance: expect.closeTo(5 / 3, 12),
      innovation: Number.NaN,
      innovationVariance: Number.NaN,
    })
  })

  it('says why there is no fit', () => {
    const flat = new Float64Array(336).fill(1.25e-5)
    expect(fitLocalLevel(flat, 72)).toEqual({ unavailable: 'funding did not vary', observations: 336 })
    expect(fitLocalLevel(flat.subarray(0, 71), 72)).toEqual({ unavailable: 'too few observations', observations: 71 })
  })

  it('survives a series that sits at one rate for all but a few hours', () => {
    const values = new Float64Array(336).fill(1.25e-5)
    values[100] = 9e-5
    values[101] = 8e-5
    const fit = fitLocalLevel(values, 72)
    expect(fit).toMatchObject({ observations: 336 })
    if (!('unavailable' in fit)) expect(fit.noiseVariance + fit.levelVariance).toBeGreaterThan(0)
  })
})

describe('rolling z', () => {
  it('measures the last value against those before it', () => {
    // Mean 2, sample deviation 1.
    expect(rollingZ(Float64Array.of(1, 2, Number.NaN, 3, 5), 3)).toEqual({ z: 3, mean: 2 })
  })

  it('is not defined on too few or equal values', () => {
    expect(rollingZ(Float64Array.of(1, 2, 5), 3).z).toBeNaN()
    expect(rollingZ(Float64Array.of(2, 2, 2, 2, 5), 3).z).toBeNaN()
  })
})
