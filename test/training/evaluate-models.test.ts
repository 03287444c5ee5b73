import { beforeAll, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import type { Windows } from '#data/windows.ts'
import type { RegimeModel } from '#models/regime.ts'
import { ruleModel } from '#models/rule.ts'
import { buildMarkets } from '#training/dataset.ts'
import { evaluateModels, predict } from '#training/evaluate-models.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { without } from '../src/market.ts'
import { prepared, REQUEST } from './simulated.ts'

/** A model that answers with the hour of the day and remembers what it was asked. */
function recorder(name: string, knots: number): RegimeModel & { readonly asked: Windows[] } {
  const asked: Windows[] = []
  return {
    name,
    knots,
    channels: ['return12', 'volatility'],
    asked,
    async estimate(windows) {
      asked.push(windows)
      return Float32Array.from({ length: windows.count * 3 }, (_, i) => {
        const share = ((windows.asOf[Math.floor(i / 3)] / HOUR) % 24) / 24
        return [0.5 * share, 0.5, 0.5 - 0.5 * share][i % 3]
      })
    },
  }
}

let dataset: PreparedDataset
beforeAll(async () => {
  dataset = await prepared()
})

describe('predict', () => {
  it('asks in batches and keeps every answer in its place', async () => {
    const [{ features }] = dataset.markets
    const ends = Array.from({ length: 5000 }, (_, i) => ({ table: features, row: 200 + ((i * 7) % 700) }))
    const model = recorder('any', 3)
    const answers = await predict(model, ends)
    expect(model.asked.map(({ count }) => count)).toEqual([2048, 2048, 904])
    for (const i of [0, 2047, 2048, 4095, 4096, 4999]) {
      const share = ((features.asOf[ends[i].row] / HOUR) % 24) / 24
      expect(answers[i * 3]).toBeCloseTo(0.5 * share, 6)
    }
  })
})

describe('evaluateModels', () => {
  const source = REQUEST.source
  const evaluateAll = (models: RegimeModel[]) => evaluateModels(dataset, models, source, { seed: 1 })

  it('asks every model for the same hours: the whole test period but the purge, of the coins evaluated', async () => {
    const [short, long] = [recorder('short', 2), recorder('long', 9)]
    const { samples, coins } = await evaluateAll([short, long])
    expect(coins).toEqual(['BTC'])
    const times = (model: typeof short) => model.asked.flatMap(({ asOf }) => [...asOf])
    expect(times(short)).toEqual(times(long))
    const { test, purgeHours } = dataset.split
    // The last twelve hours have no label yet.
    const hours = (test.to - test.from) / HOUR - 2 * purgeHours
    expect(samples).toBe(hours)
    expect(times(short)[0]).toBe(test.from + purgeHours * HOUR)
    expect(short.asked[0].knots).toBe(2)
  })

  it('asks nobody about a window that is stretched over a gap', async () => {
    const from = dataset.split.test.from + 48 * HOUR
    const torn = buildMarkets(
      dataset.markets.map(({ bars }) =>
        without(bars, (i) => bars.openTime[i] >= from && bars.openTime[i] < from + 30 * HOUR),
      ),
    )
    const [short, long] = [recorder('short', 2), recorder('long', 20)]
    await evaluateModels({ ...dataset, markets: torn }, [short, long], { source: 'csv', data: 'x' }, { seed: 1 })
    const tested = long.asked.filter(({ asOf }) => asOf[0] >= dataset.split.test.from)
    const spans = tested.flatMap(({ hours, count }) => Array.from({ length: count }, (_, n) => hours[n * 20 + 19]))
    expect(spans.length).toBeGreaterThan(50)
    expect(Math.max(...spans)).toBe(19)
    expect(short.asked[0].count).toBe(spans.length)
  })

  it('knows on simulated data the true regimes and how far from the best possible each model is', async () => {
    const rule = ruleModel([0.5, 0.45, 0.45])
    const { models, optimum } = await evaluateAll([rule])
    expect(optimum!.macroF1).toBeGreaterThan(models.rule.macroF1)
    expect(models.rule.distance!.macroF1).toBeCloseTo(optimum!.macroF1 - models.rule.macroF1, 9)

    // The regime of the hour that ends at asOf, not of the one that begins.
    const market = createSimulatedProvider(source as Extract<typeof source, { source: 'simulated' }>)
    const oracle: RegimeModel = {
      ...rule,
      name: 'truth',
      async estimate({ coin, asOf, count }) {
        const answers = new Float32Array(count * 3)
        for (let i = 0; i < count; i++) {
          answers[i * 3 + market.regimes(coin[i], { from: asOf[i] - HOUR, to: asOf[i] })[0]] = 1
        }
        return answers
      },
    }
    expect((await evaluateAll([oracle])).models.truth.againstTruth!.accuracy).toBe(1)
  })

  it('has no optimum on data whose truth nobody knows', async () => {
    const evaluation = await evaluateModels(
      dataset,
      [ruleModel([0.5, 0.5, 0.5])],
      { source: 'csv', data: 'x' },
      { seed: 1 },
    )
    expect(evaluation.optimum).toBeUndefined()
    expect(evaluation.models.rule.distance).toBeUndefined()
    expect(evaluation.models.rule.againstTruth).toBeUndefined()
  })

  it('says what a temperature from validation makes of the probabilities, and fits it to nothing later', async () => {
    const rule = ruleModel([0.5, 0.45, 0.45])
    const { models } = await evaluateAll([rule])
    const { temperature, ece, skill, logLoss } = models.rule.calibrated!
    expect(temperature).toBeGreaterThan(0)
    expect(ece).toBeLessThan(0.3)
    expect(skill).toBeLessThan(0.5)
    expect(logLoss).not.toBe(models.rule.logLoss)
    const { from } = dataset.split.test
    const markets = dataset.markets.map((market) => ({
      ...market,
      labels: market.labels.map((label, row) =>
        label < 3 && market.features.asOf[row] >= from ? (label + 1) % 3 : label,
      ),
    }))
    const later = await evaluateModels({ ...dataset, markets }, [rule], source, { seed: 1 })
    expect(later.models.rule.calibrated!.temperature).toBe(temperature)
    expect(later.models.rule.calibrated!.logLoss).not.toBe(logLoss)
  })

  it('gives leads of the kinds that may serve over all others, with intervals', async () => {
    const rule = ruleModel([0.5, 0.45, 0.45])
    const { models, differences } = await evaluateAll([recorder('cde', 2), { ...rule, name: 'hmm' }, rule])
    expect(differences?.map(({ first, second }) => `${first} ${second}`)).toEqual([
      'cde hmm',
      'cde rule',
      'hmm cde',
      'hmm rule',
    ])
    const [lead, , , none] = differences!
    expect(lead.difference).toBeCloseTo(models.cde.macroF1 - models.hmm.macroF1, 9)
    expect(none).toMatchObject({ difference: 0, p: expect.any(Number) })
  })

  it('refuses a test period without a label', async () => {
    const markets = dataset.markets.map((market) => ({ ...market, labels: market.labels.map(() => 255) }))
    const evaluating = evaluateModels({ ...dataset, markets }, [ruleModel([0.5, 0.5, 0.5])], source, { seed: 1 })
    await expect(evaluating).rejects.toThrow(/no labelled window/)
  })
})
