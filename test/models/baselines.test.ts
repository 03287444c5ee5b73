import { describe, expect, test } from 'vitest'
import { InputError } from '#data/errors.ts'
import {
  HAND_FEATURES,
  handFeatures,
  LOGISTIC_CHANNELS,
  LOGISTIC_KNOTS,
  logisticProbabilities,
  logisticRegimeModel,
} from '#models/logistic.ts'
import { fitRuleConfidence, ruleModel } from '#models/rule.ts'
import { describeRegimeModel, randomWindows } from './conformance.ts'

const width = HAND_FEATURES.length
const model = {
  knots: LOGISTIC_KNOTS,
  channels: LOGISTIC_CHANNELS,
  mean: Array.from({ length: width }, (_, j) => j / 10),
  deviation: Array.from({ length: width }, () => 2),
  weights: Array.from({ length: (width + 1) * 3 }, (_, i) => Math.sin(i)),
}

describeRegimeModel('the logistic regression', () => logisticRegimeModel(model))

describe('the logistic regression', () => {
  test('counts a missing feature as its training mean', () => {
    const features = Float64Array.from({ length: width }, (_, j) => Math.cos(j))
    const [missing, average] = [features.slice(), features.slice()]
    missing[4] = Number.NaN
    average[4] = model.mean[4]
    const answers = [missing, average].map((row) => {
      const scores = new Float64Array(3)
      logisticProbabilities(model, row, 0, scores)
      return [...scores]
    })
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0].reduce((sum, value) => sum + value)).toBeCloseTo(1, 12)
  })

  test.each([
    ['too short a window', { knots: 6 }, '13 knots, got 6'],
    [
      'a window without volume',
      { channels: LOGISTIC_CHANNELS.filter((name) => name !== 'volumeTrend') },
      'volumeTrend',
    ],
  ])('is refused %s', (_, change, message) => {
    const options = { count: 2, knots: LOGISTIC_KNOTS, channels: LOGISTIC_CHANNELS, seed: 1, ...change }
    expect(() => handFeatures(randomWindows(options))).toThrow(InputError)
    expect(() => handFeatures(randomWindows(options))).toThrow(message)
  })

  test('finds its channels by name, wherever they stand', () => {
    const windows = randomWindows({ count: 3, knots: LOGISTIC_KNOTS, channels: LOGISTIC_CHANNELS, seed: 2, missing: 0 })
    const channels = [...LOGISTIC_CHANNELS].reverse()
    const last = channels.length - 1
    const features = windows.features.map((_, i) => windows.features[i + last - 2 * (i % channels.length)])
    expect(handFeatures({ ...windows, channels, features })).toEqual(handFeatures(windows))
  })
})

describe('the hand rule', () => {
  const windows = randomWindows({ count: 3, knots: 1, channels: ['return12', 'volatility'], seed: 1, missing: 0 })
  const of = (...values: number[]) => ({ ...windows, features: Float32Array.from(values) })

  test('names chop, trend and reversal with the confidence it has earned', async () => {
    const answer = await ruleModel([0.6, 0.5, 0.4]).estimate(of(0.2, 1, 2, -1, -2, 1))
    expect(Array.from(answer, (value) => Math.round(value * 100) / 100)).toEqual([
      0.6, 0.2, 0.2, 0.25, 0.5, 0.25, 0.3, 0.3, 0.4,
    ])
  })

  test('says nothing where it cannot see', async () => {
    const blind = { ...of(0.2, 1, 2, -1, -2, 1), mask: Float32Array.of(1, 0, 1, 1, 0, 1) }
    const answer = await ruleModel([0.6, 0.5, 0.4]).estimate(blind)
    expect(Array.from(answer, Number.isNaN)).toEqual([true, true, true, false, false, false, true, true, true])
  })

  test('keeps the regime it names the most probable, however seldom it is right', () => {
    const [chop, trend, reversal] = fitRuleConfidence(Uint8Array.of(0, 0, 1, 255), Uint8Array.of(1, 2, 1, 0))
    expect([chop, trend, reversal]).toEqual([0.34, 0.99, 0.34])
  })
})
