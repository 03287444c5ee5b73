import { beforeAll, describe, expect, it } from 'vitest'
import { ModelError } from '#data/errors.ts'
import { openRegistry } from '#models/registry.ts'
import { type FittedModel, saveCheckpoint } from '#training/checkpoint.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { trainHmm } from '#training/train-hmm.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { temporaryFolder } from '../models/versions.ts'
import { NOW, prepared, TINY } from './simulated.ts'

let dataset: PreparedDataset
let model: FittedModel
beforeAll(async () => {
  dataset = await prepared()
  ;({ model } = await trainHmm(dataset, TINY, 1, { progress: () => {}, logger, now: () => NOW }))
})

const context = () => ({ models: temporaryFolder(), seed: 1, now: () => NOW })

describe('a checkpoint', () => {
  it('is not kept where the graph says something else than the model', async () => {
    const place = context()
    const estimate: FittedModel['estimate'] = async (windows) => {
      const probabilities = await model.estimate(windows)
      probabilities[probabilities.length - 1] += 2e-5
      return probabilities
    }
    const saving = saveCheckpoint(dataset, { ...model, estimate }, place)
    await expect(saving).rejects.toThrow(/hmm graph fails its parity check/)
    await expect(saving).rejects.toBeInstanceOf(ModelError)
    expect(await openRegistry(place.models).list('hmm')).toEqual([])
  })

  it('is not kept where the model gives no number', async () => {
    const estimate: FittedModel['estimate'] = async ({ count }) => new Float32Array(count * 3).fill(Number.NaN)
    await expect(saveCheckpoint(dataset, { ...model, estimate }, context())).rejects.toThrow(/parity/)
  })

  it('is not kept where the graph is none', async () => {
    const write = () => Buffer.from('no graph')
    await expect(saveCheckpoint(dataset, { ...model, write }, context())).rejects.toThrow(/not a usable ONNX model/)
  })

  it('is compared over the whole validation fold of the coins evaluated', async () => {
    let first = Number.POSITIVE_INFINITY
    let last = 0
    const coins = new Set<string>()
    const estimate: FittedModel['estimate'] = async (windows) => {
      for (const time of windows.asOf) [first, last] = [Math.min(first, time), Math.max(last, time)]
      for (const coin of windows.coin) coins.add(coin)
      return model.estimate(windows)
    }
    await saveCheckpoint(dataset, { ...model, estimate }, context())
    const { validation, purgeHours } = dataset.split
    const purge = purgeHours * 3_600_000
    expect([first, last]).toEqual([validation.from + purge, validation.to - purge - 3_600_000])
    expect([...coins]).toEqual(['BTC'])
  })

  it('needs a window to be compared on', async () => {
    const unlabelled = dataset.markets.map((market) => ({ ...market, labels: market.labels.map(() => 255) }))
    const saving = saveCheckpoint({ ...dataset, markets: unlabelled }, model, context())
    await expect(saving).rejects.toThrow(/validation fold of the coins evaluated has no window/)
  })

  it('carries in its graph what is needed to use it', async () => {
    let metadata: Record<string, string> = {}
    const write: FittedModel['write'] = (given) => {
      metadata = given
      return model.write(given)
    }
    await saveCheckpoint(dataset, { ...model, write }, context())
    expect(JSON.parse(metadata.channels)).toEqual(model.channels)
    expect(JSON.parse(metadata.regimes)).toEqual(['chop', 'trend', 'reversal'])
    expect(JSON.parse(metadata.label)).toEqual({ halfWidth: 12, kappa: 1.05 })
    expect(metadata).toMatchObject({ kind: 'hmm', knots: '8', data_hash: dataset.hash })
    expect(metadata.training_id).toBe('hmm-2026-01-05T00:00:00.000Z-1')
  })
})
