import { beforeAll, describe, expect, it } from 'vitest'
import { type Bars, HOUR } from '#data/bars.ts'
import { FEATURES } from '#data/features.ts'
import { buildMarkets, columnsOf, selectChannels, selectSamples, usableRange, usefulStride } from '#training/dataset.ts'
import { NO_LABEL } from '#training/labels.ts'
import { fitLogistic } from '#training/logistic.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { trainHmm } from '#training/train-hmm.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { NOW, prepared, TINY } from './simulated.ts'

let dataset: PreparedDataset
beforeAll(async () => {
  dataset = await prepared()
})

/** The same data set, in which everything known at `from` or later is another market. */
function otherwiseFrom(from: number): PreparedDataset {
  const changed = dataset.markets.map(({ bars }): Bars => {
    const columns = (['open', 'high', 'low', 'close', 'volume', 'funding', 'openInterest'] as const).map((name) => {
      const factor = (row: number) => (bars.openTime[row] + HOUR >= from ? 3 + Math.sin(row) : 1)
      return [name, bars[name].map((value, row) => value * factor(row))] as const
    })
    return { ...bars, ...Object.fromEntries(columns) }
  })
  return { ...dataset, markets: buildMarkets(changed) }
}

describe('what is learned from the training fold', () => {
  it('does not change with anything after it: channels, scaling, samples, baselines, HMM', async () => {
    const other = otherwiseFrom(dataset.split.train.to)
    expect(other.markets[0].features.values).not.toEqual(dataset.markets[0].features.values)
    expect(selectChannels(other)).toEqual(selectChannels(dataset))
    const samples = [dataset, other].map((data) => selectSamples(data, 'train', { knots: 13 }))
    expect(samples[1].labels).toEqual(samples[0].labels)
    expect(fitLogistic(samples[1])).toEqual(fitLogistic(samples[0]))
    const context = { progress: () => {}, logger, now: () => NOW }
    const [hmm, again] = [await trainHmm(dataset, TINY, 1, context), await trainHmm(other, TINY, 1, context)]
    expect(again.model.weights.bytes).toEqual(hmm.model.weights.bytes)
  })

  it('does change with what is in it', () => {
    const other = otherwiseFrom(dataset.split.train.to - 48 * HOUR)
    expect(selectChannels(other).scaling).not.toEqual(selectChannels(dataset).scaling)
  })

  it('leaves out a feature that it never saw, although it is there later', () => {
    const markets = dataset.markets.map((market) => {
      const values = market.features.values.slice()
      const width = FEATURES.length
      for (let row = 0; row < market.features.asOf.length; row++) {
        if (market.features.asOf[row] < dataset.split.train.to) values[row * width + 3] = Number.NaN
      }
      return { ...market, features: { ...market.features, values } }
    })
    expect(selectChannels(dataset).channels).toContain('funding')
    expect(selectChannels({ ...dataset, markets }).channels).not.toContain('funding')
  })

  it('notes a feature that is sometimes missing', () => {
    const [market, ...rest] = dataset.markets
    const values = market.features.values.slice()
    values[400 * FEATURES.length + 3] = Number.NaN
    const torn = { ...dataset, markets: [{ ...market, features: { ...market.features, values } }, ...rest] }
    expect(selectChannels(dataset).sometimesMissing).not.toContain('funding')
    expect(selectChannels(torn).sometimesMissing).toContain('funding')
  })
})

describe('selectSamples', () => {
  it('takes every labelled hour of a part once, coin by coin', () => {
    const parts = (['train', 'validation', 'test'] as const).map((part) => selectSamples(dataset, part, { knots: 8 }))
    const places = parts.flatMap(({ ends }) => ends.map(({ table, row }) => `${table.coin} ${row}`))
    expect(new Set(places).size).toBe(places.length)
    for (const { ends, labels } of parts) {
      expect(ends).toHaveLength(labels.length)
      expect(labels).not.toContain(NO_LABEL)
    }
    const [train] = parts
    expect(new Set(train.ends.map(({ table }) => table.coin))).toEqual(new Set(['BTC', 'PEPE']))
    expect(train.ends.every(({ table, row }) => table.asOf[row] + 12 * HOUR < dataset.split.train.to)).toBe(true)
  })

  it('keeps coins in step when it takes every n-th hour', () => {
    const { ends } = selectSamples(dataset, 'train', { knots: 8, stride: 5 })
    expect(ends.length).toBeGreaterThan(50)
    expect(ends.every(({ table, row }) => (table.asOf[row] / HOUR) % 5 === 0)).toBe(true)
  })

  it('keeps to the coins asked for', () => {
    const { ends } = selectSamples(dataset, 'test', { knots: 8, coins: new Set(['PEPE']) })
    expect(new Set(ends.map(({ table }) => table.coin))).toEqual(new Set(['PEPE']))
  })
})

describe('usableRange', () => {
  it('begins where some market has a scale, and ends an hour after the last moment', () => {
    const [{ features }] = dataset.markets
    const everything = { from: 0, to: Number.POSITIVE_INFINITY }
    const first = features.asOf[features.sigma.findIndex((sigma) => !Number.isNaN(sigma))]
    expect(usableRange(dataset.markets, everything)).toEqual({ from: first, to: features.asOf.at(-1)! + HOUR })
    const within = { from: first + 10 * HOUR, to: first + 20 * HOUR }
    expect(usableRange(dataset.markets, within)).toEqual(within)
    expect(usableRange(dataset.markets, { from: 0, to: first })).toBeUndefined()
  })
})

it('columnsOf narrows rows to the channels asked for, in their order', () => {
  const [{ features }] = dataset.markets
  const width = FEATURES.length
  const narrow = columnsOf(features, 300, 302, ['funding', 'return'])
  const at = (row: number, name: (typeof FEATURES)[number]) => features.values[row * width + FEATURES.indexOf(name)]
  expect([...narrow]).toEqual([at(300, 'funding'), at(300, 'return'), at(301, 'funding'), at(301, 'return')])
})

it('usefulStride leaves out neighbouring hours only where there are plenty', () => {
  expect(usefulStride(4_000, 3)).toBe(1)
  expect(usefulStride(45_000, 3)).toBe(2)
  expect(usefulStride(140_000, 3)).toBe(3)
  expect(usefulStride(140_000, 1)).toBe(1)
})
