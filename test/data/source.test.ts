import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { coreCoins } from '#data/core-coins.ts'
import { dataHash } from '#data/data-hash.ts'
import { InputError, UnavailableError, VenueError } from '#data/errors.ts'
import { loadBars } from '#data/load.ts'
import type { Progress } from '#data/progress.ts'
import type { Provider } from '#data/provider.ts'
import { createHyperliquidProvider } from '#data/providers/hyperliquid.ts'
import { ONCE } from '#data/providers/hyperliquid-requests.ts'
import { createSimulatedProvider, SIMULATION_HOURS, SIMULATION_START } from '#data/providers/simulated.ts'
import { openProvider, probeHyperliquid, SourceSpec } from '#data/source.ts'
import { openStore } from '#data/store.ts'
import { type Exchange, startExchange } from '../exchange/exchange.ts'
import { type ExchangeSeries, seriesFrom, seriesFromDirectory } from '../exchange/series.ts'
import { createTemporaryFolder, writeFiles } from './providers/files.ts'

const NOW = SIMULATION_START + 500 * HOUR + 60_000
const now = () => NOW
const REAL_DATA = join(import.meta.dirname, '../../../shared/data')

let series: ExchangeSeries[]
let exchange: Exchange
beforeAll(async () => {
  series = await seriesFrom(createSimulatedProvider({ seed: 5, hours: 600, coins: ['BTC', 'ETH', 'FOO'] }))
})
beforeEach(async () => {
  exchange = await startExchange({ series, now })
})
afterEach(() => exchange.close())

describe('the description of a source', () => {
  it.each([
    { source: 'csv', data: './data' },
    { source: 'simulated', seed: 1, hours: 100, coins: ['BTC'] },
    { source: 'hyperliquid' },
    { source: 'failover', of: [{ source: 'hyperliquid' }, { source: 'simulated', seed: 1 }] },
  ])('is understood: $source', (spec) => {
    expect(SourceSpec.parse(spec)).toEqual(spec)
  })

  it.each([
    { source: 'binance' },
    { source: 'csv' },
    { source: 'simulated', seed: 1.5 },
    { source: 'hyperliquid', apiUrl: 'nowhere' },
    { source: 'hyperliquid', seed: 1 },
    { source: 'failover', of: [] },
  ])('is refused when it makes no sense: %j', (spec) => {
    expect(SourceSpec.safeParse(spec).success).toBe(false)
  })

  it('opens the provider it names', () => {
    expect(openProvider({ source: 'simulated', seed: 4 }, { now }).origin).toBe('simulated:4')
    expect(openProvider({ source: 'hyperliquid' }, { now }).origin).toBe('hyperliquid:https://api.hyperliquid.xyz')
    expect(() => openProvider({ source: 'csv', data: '/nowhere/at/all' }, { now })).toThrow(InputError)
    const spec: SourceSpec = { source: 'failover', of: [{ source: 'hyperliquid' }, { source: 'simulated', seed: 1 }] }
    expect(openProvider(spec, { now }).origin).toMatch(/^failover\(hyperliquid:.*, simulated:1\)$/)
  })
})

describe('the probe of Hyperliquid', () => {
  it('finds the exchange, and says why not where it does not', async () => {
    const probe = (timeout = 5000) => probeHyperliquid({ apiUrl: exchange.url, timeout, now })
    expect(await probe()).toEqual({ available: true, reason: expect.stringMatching(/answered with 3 live coins/) })
    exchange.faults.add({ kind: 'hang', times: 1 })
    expect(await probe(100)).toEqual({ available: false, reason: expect.stringMatching(/timed out after 100 ms/) })
    exchange.faults.add({ kind: '200 html', times: 1 })
    expect(await probe()).toMatchObject({ available: false })
    await exchange.close()
    expect(await probe()).toEqual({ available: false, reason: expect.stringMatching(/did not serve.*fetch failed/) })
    exchange = await startExchange({ series, now })
  })
})

describe('loading bars', () => {
  const simulated = (coins: readonly string[], hours = 300) => createSimulatedProvider({ seed: 2, hours, coins })
  const remote = () => createHyperliquidProvider({ apiUrl: exchange.url, now, policy: ONCE })
  const RANGE = { from: SIMULATION_START + 100 * HOUR, to: SIMULATION_START + 200 * HOUR }

  it('gives the coins in the order asked for, with funding, and tells how far it is', async () => {
    const steps: Progress[] = []
    const provider = simulated(['BTC', 'ETH', 'SOL'])
    const progress = (step: Progress) => void steps.push(step)
    const { bars, notices } = await loadBars({ provider, now, coins: ['SOL', 'BTC'], range: RANGE, progress })
    expect(bars.map(({ coin, openTime }) => [coin, openTime.length])).toEqual([
      ['SOL', 100],
      ['BTC', 100],
    ])
    expect(bars[0].funding.every(Number.isFinite)).toBe(true)
    expect(notices).toEqual([])
    expect(steps.map(({ done, total }) => `${done}/${total}`)).toEqual(['0/2', '1/2', '2/2'])
  })

  it('gives the whole of a source when no range is named', async () => {
    const { bars } = await loadBars({ provider: simulated(['BTC'], 321), now, coins: 'all' })
    expect(bars[0].openTime).toHaveLength(321)
  })

  it('knows the core coins', async () => {
    const whole = await loadBars({ provider: createSimulatedProvider({ seed: 1, hours: 10 }), now, coins: 'core' })
    expect(whole.bars.map(({ coin }) => coin)).toEqual(coreCoins)
    const some = await loadBars({ provider: simulated(['UNI', 'FOO', 'BTC'], 10), now, coins: 'core' })
    expect(some.bars.map(({ coin }) => coin)).toEqual(['BTC', 'UNI'])
    await expect(loadBars({ provider: simulated(['FOO'], 10), now, coins: 'core' })).rejects.toThrow(/none of the core/)
  })

  it('refuses a coin that is not there, naming those that are', async () => {
    const asking = loadBars({ provider: simulated(['BTC', 'ETH']), now, coins: ['BTC', 'BTX'] })
    await expect(asking).rejects.toThrow(/"BTX".*BTC ETH/)
    await expect(loadBars({ provider: simulated(['BTC']), now, coins: [] })).rejects.toThrow(InputError)
  })

  it('says when the bars begin later than asked for, and refuses a range without any', async () => {
    const provider = simulated(['BTC'])
    const early = { from: SIMULATION_START - 50 * HOUR, to: RANGE.to }
    expect((await loadBars({ provider, now, coins: 'all', range: early })).notices).toMatchObject([
      { coin: 'BTC', kind: 'truncated' },
    ])
    const never = { from: 0, to: HOUR }
    await expect(loadBars({ provider, now, coins: 'all', range: never })).rejects.toThrow(
      /has no bars of BTC from 1970/,
    )
  })

  it('leaves out a coin that cannot be had, as long as another loads', async () => {
    const spoilt = (error: Error, coins: readonly string[]): Provider => {
      const provider = simulated(['BTC', 'ETH'])
      const candles: Provider['candles'] = async (coin, range, signal) => {
        if (coins.includes(coin)) throw error
        return provider.candles(coin, range, signal)
      }
      return { ...provider, candles }
    }
    for (const error of [new UnavailableError('away'), new VenueError('nonsense')]) {
      const { bars, notices } = await loadBars({ provider: spoilt(error, ['BTC']), now, coins: 'all', range: RANGE })
      expect(bars.map(({ coin }) => coin)).toEqual(['ETH'])
      expect(notices).toEqual([{ coin: 'BTC', kind: 'unavailable', message: error.message }])
      const none = loadBars({ provider: spoilt(error, ['BTC', 'ETH']), now, coins: 'all', range: RANGE })
      await expect(none).rejects.toBe(error)
    }
    const wrong = new InputError('broken file')
    await expect(loadBars({ provider: spoilt(wrong, ['BTC']), now, coins: 'all', range: RANGE })).rejects.toBe(wrong)
  })

  it('stops when told to', async () => {
    const stop = new AbortController()
    exchange.faults.add({ kind: 'hang', type: 'candleSnapshot' })
    const loading = loadBars({ provider: remote(), now, coins: 'all', range: RANGE, signal: stop.signal })
    setTimeout(() => stop.abort(new Error('enough')), 30)
    await expect(loading).rejects.toThrow('enough')
  })

  it('keeps what a venue served: a second run asks for the list of coins and the present only', async () => {
    const store = openStore(':memory:')
    const load = () =>
      loadBars({ provider: remote(), store, now, coins: 'all', range: { from: RANGE.from, to: NOW - 60_000 } })
    const first = await load()
    expect(first.bars.map(({ coin, openTime }) => [coin, openTime.length])).toEqual([
      ['BTC', 400],
      ['ETH', 400],
      ['FOO', 400],
    ])
    exchange.requests.length = 0
    expect(await load()).toEqual(first)
    expect(exchange.requests.map(({ type }) => type)).toEqual(['meta', 'metaAndAssetCtxs'])

    exchange.faults.add({ kind: '502 html' })
    const offline = await load()
    expect(offline.bars).toEqual(first.bars)
    expect(offline.notices.map(({ kind }) => kind).sort()).toEqual(['stale', 'unavailable'])
    store.close()
  })

  it('serves from the next provider when a venue is away, each behind its own part of the store', async () => {
    const folder = createTemporaryFolder()
    const rows = Array.from({ length: 50 }, (_, i) => `${RANGE.from + i * HOUR},10,12,9,11,5`)
    writeFiles(folder.path, { 'candles/BTC.csv': `ts_ms,open,high,low,close,volume\n${rows.join('\n')}` })
    const store = openStore(':memory:')
    const of: SourceSpec = {
      source: 'failover',
      of: [
        { source: 'hyperliquid', apiUrl: exchange.url },
        { source: 'csv', data: folder.path },
      ],
    }
    exchange.faults.add({ kind: '422 text' })
    await expect(loadBars({ provider: openProvider(of, { now, store }), store, now, coins: ['BTC'] })).rejects.toThrow(
      InputError,
    )
    exchange.faults.clear()
    exchange.faults.add({ kind: '200 null' })
    const { bars, notices } = await loadBars({ provider: openProvider(of, { now, store }), store, now, coins: ['BTC'] })
    expect(bars[0].close.every((price) => price === 11)).toBe(true)
    expect(notices.map(({ kind }) => kind)).toContain('failover')
    expect(store.coins(`hyperliquid:${exchange.url}`)).toEqual([])
    store.close()
    folder.remove()
  })

  it.skipIf(!existsSync(REAL_DATA))(
    'loads 35 real coins in seconds (skipped where ../shared/data is missing)',
    async () => {
      const started = performance.now()
      const provider = openProvider({ source: 'csv', data: REAL_DATA }, { now })
      const { bars, notices } = await loadBars({ provider, now, coins: 'all' })
      expect(bars).toHaveLength(35)
      expect(bars.reduce((sum, { openTime }) => sum + openTime.length, 0)).toBe(213_719)
      expect(notices).toEqual([])
      // 1.0 s on one idle core; the limit leaves room for a busy machine.
      expect(performance.now() - started).toBeLessThan(8000)
    },
  )

  it.skipIf(!existsSync(REAL_DATA))(
    'gives real bars the same from the exchange as from the files (skipped where ../shared/data is missing)',
    async () => {
      const end = Date.UTC(2025, 4, 20)
      const range = { from: end - 2000 * HOUR, to: end - HOUR }
      const real = await startExchange({
        series: await seriesFromDirectory(REAL_DATA, ['HYPE', 'UNI']),
        now: () => end,
      })
      const load = (provider: Provider) => loadBars({ provider, now: () => end, coins: ['UNI', 'HYPE'], range })
      const fromExchange = await load(createHyperliquidProvider({ apiUrl: real.url, now: () => end }))
      const fromFiles = await load(openProvider({ source: 'csv', data: REAL_DATA }, { now }))
      expect(fromExchange).toEqual(fromFiles)
      expect(dataHash(fromExchange.bars)).toBe(dataHash(fromFiles.bars))
      await real.close()
    },
  )

  it('loads half a simulated year by default', async () => {
    const { bars } = await loadBars({
      provider: openProvider({ source: 'simulated', seed: 1 }, { now }),
      now,
      coins: 'core',
    })
    expect(bars.map(({ openTime }) => openTime.length)).toEqual(coreCoins.map(() => SIMULATION_HOURS))
  })
})
