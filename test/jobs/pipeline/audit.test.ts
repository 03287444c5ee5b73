import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { auditFeatures } from '#jobs/pipeline/audit.ts'
import { type PreparedDataset, prepareDataset } from '#training/prepare.ts'

describe('the audit of causality', () => {
  let state: string
  let dataset: PreparedDataset
  let cuts: number[]
  beforeAll(async () => {
    state = await mkdtemp(join(tmpdir(), 'millrace-audit-'))
    const source = { source: 'simulated', seed: 1, hours: 700, coins: ['BTC', 'ETH'] } as const
    dataset = await prepareDataset({ source: { ...source, coins: [...source.coins] }, state }, { now: () => 0 })
    cuts = [dataset.range.from + 100 * HOUR, dataset.range.from + 300 * HOUR]
  })
  afterAll(() => rm(state, { recursive: true, force: true }))

  it('finds nothing in features that see the past only', () => {
    const check = auditFeatures(dataset, cuts)
    expect(check.different).toBe(0)
    expect(check.compared).toBeGreaterThan(800)
  })

  it('finds the first value that was scaled by the whole series, as a notebook would', () => {
    const [market, ...others] = dataset.markets
    const { values } = market.features
    const known = values.filter((value) => !Number.isNaN(value))
    const mean = known.reduce((sum, value) => sum + value, 0) / known.length
    const centred = { ...market, features: { ...market.features, values: values.map((value) => value - mean) } }
    const check = auditFeatures({ ...dataset, markets: [centred, ...others] }, cuts)
    expect(check.different).toBeGreaterThan(0)
    expect(check.first).toEqual({ coin: 'BTC', asOf: new Date(market.features.asOf[0]).toISOString() })
  })
})
