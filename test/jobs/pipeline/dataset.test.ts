import { beforeAll, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { datasetRequest, loadDataset, summariseDataset } from '#jobs/pipeline/dataset.ts'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import { testHours } from '#jobs/pipeline/wheel.ts'
import { selectSamples } from '#training/dataset.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { NOW, REQUEST } from '../../training/simulated.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const NOON = Date.UTC(2025, 5, 1, 12)
const settings = { paths: { state: 'var', models: 'm', reports: 'r' } } as RunSettings
const remote = { spec: { source: 'hyperliquid' }, reason: 'it answers' } as const

describe('the request of a run', () => {
  it('pins an exchange to the last thirty days, the bar that has just ended included', () => {
    const request = datasetRequest(settings, remote, NOON + 20 * 60_000)
    // asOf below `to`: the newest moment is noon, at which the bar opened at eleven is known.
    expect(request).toMatchObject({ to: NOON + HOUR, from: NOON + HOUR - 30 * 24 * HOUR, state: 'var' })
  })

  it('takes the range it is told, and leaves a local source its own', () => {
    const told = datasetRequest({ ...settings, from: NOON - 5 * HOUR, to: NOON }, remote, NOON + HOUR)
    expect(told).toMatchObject({ from: NOON - 5 * HOUR, to: NOON })
    const local = datasetRequest(settings, { spec: { source: 'csv', data: 'd' }, reason: '' }, NOON)
    expect(local).toEqual({ source: { source: 'csv', data: 'd' }, state: 'var' })
  })

  it('passes coins, pool and test period on', () => {
    const wanted: RunSettings = { ...settings, coins: ['BTC'], pool: 'all', testFrom: NOON }
    expect(datasetRequest(wanted, remote, NOON)).toMatchObject({ coins: ['BTC'], pool: 'all', testFrom: NOON })
  })
})

describe('the data set of a run', () => {
  let dataset: PreparedDataset
  const remarks: string[] = []
  beforeAll(async () => {
    const listening = Object.assign(Object.create(logger), { warn: (_: object, words: string) => remarks.push(words) })
    dataset = await loadDataset(REQUEST, { now: () => NOW, progress: () => {}, logger: listening })
  })

  it('counts the windows and labels of the coins evaluated, as many as there are samples and purged hours', () => {
    const { bars, windows, classShare, perCoin } = summariseDataset(dataset, 8)
    expect(perCoin.map(({ coin }) => coin)).toEqual(['BTC'])
    expect(bars).toBe(perCoin[0].bars)
    const samples = (['train', 'validation', 'test'] as const).map(
      (part) => selectSamples(dataset, part, { knots: 8, coins: new Set(dataset.coins) }).ends.length,
    )
    // Twelve hours on either side of two boundaries are purged; the one at the boundary itself counts to the later part.
    expect(windows).toBe(samples.reduce((sum, n) => sum + n, 0) + 2 * 24)
    expect(classShare.chop + classShare.trend + classShare.reversal).toBeCloseTo(1, 12)
    expect(perCoin[0].fundingMissing).toBe(0)
  })

  it('turns the wheel from the first to the last moment of the test period', () => {
    const { from, to } = testHours(dataset)
    expect(from).toBe(dataset.split.test.from)
    expect(to - HOUR).toBe(dataset.markets[0].features.asOf.at(-1))
  })
})
