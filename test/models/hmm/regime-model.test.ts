import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { powerIndex, transitionPowers } from '#models/hmm/chain.ts'
import { createObserver, defaultObservations } from '#models/hmm/observation.ts'
import { bayesianInformationCriterion, freeParameters } from '#models/hmm/parameters.ts'
import { estimateHmm, HmmRegimeModel, hmmAsRegimeModel } from '#models/hmm/regime-model.ts'
import { contingency } from '#models/hmm/regimes.ts'
import { allMissing, describeRegimeModel, randomWindows } from '../conformance.ts'
import { randomHmm } from './toy.ts'

describeRegimeModel('the HMM (full)', () => hmmAsRegimeModel(randomHmm(1, 'full')))
describeRegimeModel('the HMM (diagonal)', () => hmmAsRegimeModel(randomHmm(2, 'diagonal')))

describe('the HMM on windows', () => {
  const model = randomHmm(3, 'full')
  const windows = (seed: number, knots = 12, uneven = 0) =>
    randomWindows({ count: 4, knots, channels: model.channels, seed, uneven })

  test('without any observation says what the stationary distribution says', () => {
    const { stationary } = transitionPowers(Float64Array.from(model.transition), model.states)
    const answer = estimateHmm(model, allMissing(windows(1, 12, 0.5)))
    for (let r = 0; r < 3; r++) {
      const expected = stationary.reduce((sum, share, k) => sum + share * model.contingency[k * 3 + r], 0)
      expect(answer[r]).toBeCloseTo(expected, 6)
    }
  })

  test('absent hours count like hours in which nothing was seen', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 2, max: 9 }), (seed, gap) => {
        const present = windows(seed, 12)
        // Knots 1 ... gap - 1 are there but empty, against a window that lacks them.
        const size = model.channels.length
        const kept = [0, ...Array.from({ length: 12 - gap }, (_, i) => gap + i)]
        const pick = (values: Float32Array, width: number) =>
          Float32Array.from(
            [0, 1, 2, 3].flatMap((n) =>
              kept.flatMap((knot) => [...values.subarray((n * 12 + knot) * width, (n * 12 + knot + 1) * width)]),
            ),
          )
        const absent = {
          ...present,
          knots: kept.length,
          features: pick(present.features, size),
          mask: pick(present.mask, size),
          hours: pick(present.hours, 1),
        }
        const emptied = { ...present, mask: Float32Array.from(present.mask) }
        for (let n = 0; n < 4; n++) emptied.mask.fill(0, (n * 12 + 1) * size, (n * 12 + gap) * size)
        const a = estimateHmm(model, absent)
        const b = estimateHmm(model, emptied)
        a.forEach((value, i) => {
          expect(value).toBeCloseTo(b[i], 5)
        })
      }),
      { numRuns: 30 },
    )
  })

  test('after more than a day without a bar the past is forgotten', () => {
    const window = windows(5)
    const stretched = { ...window, hours: window.hours.map((h, i) => (i % 12 === 11 ? h + 100 : h)) }
    const size = model.channels.length
    const onlyLast = { ...stretched, mask: stretched.mask.map((m, i) => (Math.floor(i / size) % 12 === 11 ? m : 0)) }
    expect(estimateHmm(model, stretched)).toEqual(estimateHmm(model, onlyLast))
  })

  test('refuses windows with other channels', () => {
    const other = randomWindows({
      count: 1,
      knots: 4,
      channels: ['return', 'return12', 'range', 'volatility'],
      seed: 1,
    })
    expect(() => estimateHmm(model, other)).toThrow('the windows have channels')
  })

  test('a checkpoint with a number too few is refused', () => {
    const parsed = HmmRegimeModel.safeParse({ ...model, mean: model.mean.slice(1) })
    expect(parsed.error?.issues[0].message).toBe('must have 16 numbers, has 15')
    expect(HmmRegimeModel.parse(JSON.parse(JSON.stringify(model)))).toEqual(model)
  })
})

describe('steps of the chain', () => {
  test('are whole hours, rounded, up to a day and one beyond', () => {
    expect([0, 0.4, 0.5, 1, 1.6, 24, 24.4, 25, 1000, -3].map(powerIndex)).toEqual([0, 0, 1, 1, 2, 24, 24, 25, 25, 0])
  })

  test('of a chain that hardly moves are its powers within a day, and its stationary distribution after', () => {
    const { powers, stationary } = transitionPowers(Float64Array.of(0.999, 0.001, 0.003, 0.997), 2)
    expect(stationary[0]).toBeCloseTo(0.75, 12)
    // A two-state chain: A^h = pi + (1 - a - b)^h (I - pi).
    expect(powers[24 * 4]).toBeCloseTo(0.75 + 0.25 * 0.996 ** 24, 12)
    expect([...powers.subarray(25 * 4)]).toEqual([...stationary, ...stationary])
  })
})

describe('the regimes of a state', () => {
  const counts = { hours: Float64Array.of(60, 30, 9, 0, 9, 89) }

  test('are counted hours with the overall mix added', () => {
    // One hour each of the regimes, then 61, 40 and 99 of 200 hours.
    const table = contingency(counts, { smoothing: 10, balance: 0 })
    expect(table[0]).toBeCloseTo((60 + 10 * (61 / 200)) / 109, 12)
    expect(table[3]).toBeCloseTo((10 * (61 / 200)) / 108, 12)
  })

  test('are freed of class frequency by the balance', () => {
    const [plain, balanced] = [0, 1].map((balance) => contingency(counts, { smoothing: 10, balance }))
    const share = [61 / 200, 40 / 200, 99 / 200]
    const weighed = share.map((value, r) => plain[r] / value)
    const sum = weighed.reduce((total, value) => total + value)
    weighed.forEach((value, r) => {
      expect(balanced[r]).toBeCloseTo(value / sum, 12)
    })
  })
})

describe('the information criterion', () => {
  test.each([
    // 2 initial, 6 transitions, 3 means and covariances of 2 dimensions.
    ['full', 2 + 6 + 3 * (2 + 3)],
    ['diagonal', 2 + 6 + 3 * (2 + 2)],
  ] as const)('charges for every parameter that can move (%s)', (covarianceType, free) => {
    expect(freeParameters(3, 2, covarianceType)).toBe(free)
    expect(bayesianInformationCriterion(-100, free, Math.E ** 2)).toBeCloseTo(200 + 2 * free, 10)
  })
})

describe('observations', () => {
  test('do not tell up from down', () => {
    const channels = ['return', 'return12']
    const observe = createObserver(channels, defaultObservations(channels))
    const up = new Float64Array(2)
    const down = new Float64Array(2)
    observe([0.4, 2.25], 1, up)
    observe([-0.4, -2.25], 1, down)
    expect([...up]).toEqual([1.5, 0.4])
    expect([...down]).toEqual([1.5, 0.4])
  })

  test('are missing where a channel they need is', () => {
    const observe = createObserver(['return', 'return12'], defaultObservations(['return', 'return12']))
    const out = new Float64Array(2)
    observe([0.4, Number.NaN], 1, out)
    expect([...out]).toEqual([Number.NaN, Number.NaN])
  })

  test('are the channels themselves where the preferred ones are not there', () => {
    expect(defaultObservations(['funding'])).toEqual([{ form: 'level', channel: 'funding' }])
  })
})
