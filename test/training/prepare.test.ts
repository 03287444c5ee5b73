import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createSimulatedProvider, SIMULATION_START } from '#data/providers/simulated.ts'
import { type DatasetRequest, evaluatedMarkets, prepareDataset } from '#training/prepare.ts'
import { type Exchange, startExchange } from '../exchange/exchange.ts'
import { seriesFrom } from '../exchange/series.ts'

const DAY = 24 * HOUR
const HOURS = 60 * 24
const end = SIMULATION_START + HOURS * HOUR
/** A minute later, so that the last settlement is published. */
const now = end + 60_000
const context = { now: () => now }
const simulated = { source: 'simulated', seed: 4, hours: HOURS } as const

describe('prepareDataset', () => {
  let state: string
  beforeEach(async () => {
    state = await mkdtemp(join(tmpdir(), 'millrace-data-'))
  })
  afterEach(() => rm(state, { recursive: true, force: true }))

  it('trains on every coin of a local source and evaluates the core ones', async () => {
    const source = { ...simulated, coins: ['SOL', 'PEPE', 'BTC', 'WIF'] as [string, ...string[]] }
    const dataset = await prepareDataset({ source, state }, context)
    expect(dataset.coins).toEqual(['BTC', 'SOL'])
    expect(dataset.markets.map((market) => market.bars.coin)).toEqual(['BTC', 'SOL', 'PEPE', 'WIF'])
    expect(evaluatedMarkets(dataset).map((market) => market.bars.coin)).toEqual(['BTC', 'SOL'])
  })

  it('keeps to the coins and the pool that are asked for', async () => {
    const dataset = await prepareDataset({ source: simulated, coins: ['ETH'], pool: ['BTC', 'ETH'], state }, context)
    expect(dataset.coins).toEqual(['ETH'])
    expect(dataset.markets.map((market) => market.bars.coin)).toEqual(['ETH', 'BTC'])
    await expect(prepareDataset({ source: simulated, coins: ['XYZ'], state }, context)).rejects.toThrow(/"XYZ"/)
  })

  it('uses no bar after the range, and only the warm-up before it', async () => {
    const from = SIMULATION_START + 30 * DAY
    const to = SIMULATION_START + 50 * DAY
    const dataset = await prepareDataset({ source: simulated, coins: ['BTC'], pool: ['BTC'], from, to, state }, context)
    const [{ bars }] = dataset.markets
    expect(bars.openTime[0]).toBe(from - 8 * DAY)
    expect(bars.openTime.at(-1)).toBe(to - 2 * HOUR)
    expect(dataset.range).toEqual({ from, to })
  })

  it('says so where there is nothing to learn from', async () => {
    const short = { ...simulated, hours: 150 }
    await expect(prepareDataset({ source: short, state }, context)).rejects.toThrow(/too few bars/)
    const late = { source: simulated, from: end + DAY, state }
    await expect(prepareDataset(late, context)).rejects.toThrow(/too few bars/)
  })

  describe('from the exchange', () => {
    let exchange: Exchange
    let request: DatasetRequest
    beforeEach(async () => {
      const series = await seriesFrom(createSimulatedProvider(simulated), ['BTC', 'ETH'])
      exchange = await startExchange({ series, now: context.now })
      const source = { source: 'hyperliquid', apiUrl: exchange.url } as const
      request = { source, from: end - 30 * DAY, to: end, state }
    })
    afterEach(() => exchange.close())

    it('gives what a local source with the same bars gives', async () => {
      const remote = await prepareDataset(request, context)
      const coins: [string, string] = ['BTC', 'ETH']
      const local = await prepareDataset({ ...request, source: simulated, coins, pool: coins }, context)
      // The exchange has no history of open interest; all else is the same to the last bit.
      for (const [i, { bars }] of remote.markets.entries()) {
        const { openInterest: _, ...known } = bars
        const { openInterest: __, ...same } = local.markets[i].bars
        expect(known).toEqual(same)
      }
      expect(remote.range).toEqual(local.range)
    })

    it('fetches candles and funding once, and the same data an hour later for the same request', async () => {
      const first = await prepareDataset(request, context)
      const fetched = exchange.requests.filter(({ type }) => type === 'candleSnapshot').length
      const second = await prepareDataset(request, context)
      expect(exchange.requests.filter(({ type }) => type === 'candleSnapshot').length).toBe(fetched)
      const third = await prepareDataset(request, { now: () => now + HOUR })
      expect([second.hash, third.hash]).toEqual([first.hash, first.hash])
    })

    it('needs to be told the range', async () => {
      const { from: _, ...open } = request
      await expect(prepareDataset(open, context)).rejects.toThrow(/needs a range/)
    })
  })
})
