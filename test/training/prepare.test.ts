import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createSimulatedProvider, SIMULATION_START } from '#data/providers/simulated.ts'
import { type DatasetRequest, loadHistory } from '#training/history.ts'
import { evaluatedMarkets, prepareDataset, prepareMarkets } from '#training/prepare.ts'
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
    await expect(prepareDataset({ source: short, state }, context)).rejects.toThrow(/no hour with features.*150 bars/)
    const late = { source: simulated, from: end + 9 * DAY, state }
    await expect(prepareDataset(late, context)).rejects.toThrow(/no bars from .* on: its first is of .*, its last of/)
  })

  it('takes a coin that is named twice once', async () => {
    const coins: [string, ...string[]] = ['BTC', 'ETH', 'BTC']
    const dataset = await prepareDataset({ source: simulated, coins, pool: coins, state }, context)
    expect(dataset.coins).toEqual(['BTC', 'ETH'])
    expect(evaluatedMarkets(dataset)).toHaveLength(2)
  })

  it('has bars and features to show where there are too few for a split', async () => {
    const source = { ...simulated, hours: 9 * 24 }
    const request = { source, coins: ['BTC'] as [string], pool: ['BTC'] as [string], state }
    expect((await loadHistory(request, context)).bars[0].openTime).toHaveLength(9 * 24)
    expect((await prepareMarkets(request, context)).range.to).toBe(SIMULATION_START + 9 * DAY + HOUR)
    await expect(prepareDataset(request, context)).rejects.toThrow(/no room for a split.*at least 20 days/)
  })

  describe('from files', () => {
    const rows = (from: number, to: number, row: (hour: number) => string) =>
      Array.from({ length: to - from }, (_, i) => `${SIMULATION_START + (from + i) * HOUR},${row(from + i)}\n`).join('')
    async function write(coin: string, from: number, to: number, price: (hour: number) => number, volume = 5) {
      const candle = (hour: number) => `${price(hour)},${price(hour)},${price(hour)},${price(hour)},${volume}`
      for (const folder of ['candles', 'funding']) await mkdir(join(state, folder), { recursive: true })
      await writeFile(join(state, `candles/${coin}.csv`), `ts_ms,open,high,low,close,volume\n${rows(from, to, candle)}`)
      const funding = rows(from + 1, to + 1, () => '0.0000125')
      await writeFile(join(state, `funding/${coin}.csv`), `ts_ms,funding_rate\n${funding}`)
    }
    const wave = (hour: number) => 100 + Math.sin(hour)

    it('says which coin is not used or not evaluated, and which feature one lacks', async () => {
      await write('BTC', 0, HOURS, wave)
      await write('ETH', 0, HOURS, () => 5)
      await write('SOL', 0, 600, wave)
      await write('DOGE', 0, HOURS, wave, 0)
      const dataset = await prepareDataset({ source: { source: 'csv', data: state }, state }, context)
      const said = Object.fromEntries(dataset.notices.map(({ coin, message }) => [coin, message]))
      expect(Object.keys(said).sort()).toEqual(['DOGE', 'ETH', 'SOL'])
      expect(said.DOGE).toBe('has no value of volumeTrend in any hour')
      expect(said.ETH).toMatch(/^not used, no hour has features/)
      expect(said.SOL).toMatch(/^not evaluated: .* lie outside the test period/)
    })

    it('says which coin has no bars in the range', async () => {
      await write('BTC', 0, HOURS, wave)
      await write('SOL', 0, 200, wave)
      const from = SIMULATION_START + 25 * DAY
      const dataset = await prepareDataset({ source: { source: 'csv', data: state }, from, state }, context)
      expect(dataset.coins).toEqual(['BTC'])
      expect(dataset.notices).toEqual([{ coin: 'SOL', kind: 'unavailable', message: 'no bars in the range' }])
    })
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

    it('neither trains on nor evaluates a coin that is no longer traded', async () => {
      const [btc, eth] = await seriesFrom(createSimulatedProvider(simulated), ['BTC', 'ETH'])
      await exchange.close()
      exchange = await startExchange({ series: [btc, { ...eth, delisted: true }], now: context.now })
      const source = { source: 'hyperliquid', apiUrl: exchange.url } as const
      const dataset = await prepareDataset({ ...request, source, pool: 'all' }, context)
      expect(dataset.coins).toEqual(['BTC'])
      expect(dataset.markets.map((market) => market.bars.coin)).toEqual(['BTC'])
    })

    it('needs to be told the range', async () => {
      const { from: _, ...open } = request
      await expect(prepareDataset(open, context)).rejects.toThrow(/needs a range/)
    })
  })
})
