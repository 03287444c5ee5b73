import { describe, expect, it } from 'vitest'
import { computeFeatures, ODD_FEATURES } from '#data/features.ts'
import { createRandom } from '#data/random.ts'
import { buildWindows, windowRows } from '#data/windows.ts'
import {
  HAND_FEATURES,
  handFeatures,
  LOGISTIC_CHANNELS,
  LOGISTIC_KNOTS,
  logisticRegimeModel,
} from '#models/logistic.ts'
import { mostProbable } from '#models/regime.ts'
import { applyRule, fitRuleConfidence, ruleModel } from '#models/rule.ts'
import { fitLogistic } from '#training/logistic.ts'
import { randomBars } from '../markets.ts'

const table = computeFeatures(randomBars(8, 900))
const ends = Array.from(windowRows(table, LOGISTIC_KNOTS), (row) => ({ table, row }))
const windows = buildWindows(ends, LOGISTIC_KNOTS, LOGISTIC_CHANNELS)
const value = (row: number, channel: string) =>
  table.values[row * table.channels.length + (table.channels as readonly string[]).indexOf(channel)]

describe('the hand rule', () => {
  it('says chop for a small move, trend in a calm market, reversal in an excited one', () => {
    const answers = applyRule(windows)
    ends.forEach(({ row }, n) => {
      const small = Math.abs(value(row, 'return12')) < 0.55
      expect(answers[n]).toBe(small ? 0 : value(row, 'volatility') < 0 ? 1 : 2)
    })
  })

  it('gives the regime it names the share of right answers it had', async () => {
    const answers = applyRule(windows)
    const labels = answers.map((answer, i) => (i % 4 === 0 ? (answer + 1) % 3 : answer))
    const probabilities = await ruleModel(fitRuleConfidence(answers, labels)).estimate(windows)
    for (let n = 0; n < windows.count; n++) {
      expect(mostProbable(probabilities, n)).toBe(answers[n])
      expect(probabilities[n * 3 + answers[n]]).toBeCloseTo(0.75, 1)
    }
  })

  it('does not answer what it cannot see', async () => {
    const blind = { ...windows, mask: new Float32Array(windows.mask.length) }
    expect((await ruleModel([0.5, 0.5, 0.5]).estimate(blind))[0]).toBeNaN()
  })
})

describe('the logistic regression', () => {
  const labels = Uint8Array.from(ends, ({ row }) => {
    const move = Math.abs(value(row, 'return12'))
    return move < 0.5 ? 0 : move < 1.2 ? 1 : 2
  })

  it('learns what is linear in the hand features, the same each time', async () => {
    const model = fitLogistic({ ends, labels })
    const probabilities = await logisticRegimeModel(model).estimate(windows)
    const right = labels.filter((label, n) => mostProbable(probabilities, n) === label).length
    expect(right / labels.length).toBeGreaterThan(0.8)
    expect(fitLogistic({ ends, labels })).toEqual(model)
  })

  it('gives rare classes the same say as frequent ones', async () => {
    const random = createRandom(1)
    const rare = Uint8Array.from(ends, () => (random.uniform() < 0.15 ? 1 : 0))
    const probabilities = await logisticRegimeModel(fitLogistic({ ends, labels: rare })).estimate(windows)
    let trend = 0
    for (let n = 0; n < windows.count; n++) trend += probabilities[n * 3 + 1] / windows.count
    expect(trend).toBeGreaterThan(0.4)
    expect(trend).toBeLessThan(0.6)
  })

  it('reads hand features that do not change when the market is turned upside down, but for one', () => {
    const turned = { ...windows, features: windows.features.slice() }
    const turns = LOGISTIC_CHANNELS.map((channel) => (ODD_FEATURES.includes(channel) ? -1 : 1))
    for (let i = 0; i < turned.features.length; i++) turned.features[i] *= turns[i % turns.length]
    const upright = handFeatures(windows)
    const upsideDown = handFeatures(turned)
    const odd = HAND_FEATURES.indexOf('return12')
    for (let i = 0; i < upright.length; i++) {
      expect(upsideDown[i]).toBeCloseTo(i % HAND_FEATURES.length === odd ? -upright[i] : upright[i], 5)
    }
  })
})
