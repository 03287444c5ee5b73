import { beforeAll, describe, expect, it } from 'vitest'
import { compareModels } from '#jobs/pipeline/evaluate.ts'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import type { Evaluation } from '#training/evaluation.ts'
import { NO_LABEL } from '#training/labels.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { temporaryFolder } from '../../models/versions.ts'
import { NOW, prepared, REQUEST, TINY } from '../../training/simulated.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const settings = { seed: 1, training: TINY, paths: { models: temporaryFolder() } } as RunSettings
const source = { spec: { source: 'csv', data: REQUEST.state }, reason: 'asked for' } as const
const context = { now: () => NOW, progress: () => {}, logger }

let dataset: PreparedDataset
let evaluation: Evaluation
beforeAll(async () => {
  dataset = await prepared()
  evaluation = await compareModels(settings, source, dataset, {}, context)
})

/** The same data set with other labels at the moments chosen. */
function relabelled(chosen: (asOf: number) => boolean): PreparedDataset {
  const markets = dataset.markets.map((market) => ({
    ...market,
    labels: market.labels.map((label, row) =>
      label !== NO_LABEL && chosen(market.features.asOf[row]) ? (label + 1) % 3 : label,
    ),
  }))
  return { ...dataset, markets }
}

/** What follows from a model's answers alone, whatever the labels are. */
const answersOf = ({ models }: Evaluation) =>
  Object.values(models).map(({ occupancy, churnPerDay, reliability }) => ({
    occupancy,
    churnPerDay,
    confidence: reliability.map((bin) => bin.confidence),
  }))

describe('the comparison', () => {
  it('has the baselines also where there is no checkpoint', () => {
    expect(Object.keys(evaluation.models)).toEqual(['rule', 'linear'])
    for (const { answered, macroF1 } of Object.values(evaluation.models)) {
      expect(answered).toBeGreaterThan(100)
      expect(macroF1).toBeGreaterThan(0.25)
    }
  })

  it('fits the baselines to the training fold alone', async () => {
    const { validation, train } = dataset.split
    const later = await compareModels(
      settings,
      source,
      relabelled((asOf) => asOf >= validation.from),
      {},
      context,
    )
    expect(answersOf(later)).toEqual(answersOf(evaluation))
    expect(later.models.linear.logLoss).not.toBe(evaluation.models.linear.logLoss)
    const earlier = await compareModels(
      settings,
      source,
      relabelled((asOf) => asOf < train.to),
      {},
      context,
    )
    expect(answersOf(earlier)).not.toEqual(answersOf(evaluation))
  })
})
