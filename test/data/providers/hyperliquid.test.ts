import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError, UnavailableError, VenueError } from '#data/errors.ts'
import type { Provider } from '#data/provider.ts'
import { createHyperliquidProvider, type HyperliquidOptions } from '#data/providers/hyperliquid.ts'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { createWeightBudget } from '#data/weight-budget.ts'
import { type Exchange, type ExchangeOptions, startExchange } from '../../exchange/exchange.ts'
import type { FaultKind } from '../../exchange/faults.ts'
import { type ExchangeSeries, seriesFrom } from '../../exchange/series.ts'
import { createTestClock, type TestClock } from '../clock.ts'
import { describeProvider } from './conformance.ts'

const START = Date.UTC(2025, 0, 1)
const HOURS = 6000
/** Twenty-three minutes into the last hour that the exchange knows. */
const NOW = START + (HOURS - 1) * HOUR + 23 * 60_000
const END = START + (HOURS - 1) * HOUR

let series: ExchangeSeries[]
beforeAll(async () => {
  const market = createSimulatedProvider({ seed: 5, start: START, hours: HOURS, coins: ['BTC', 'ETH'] })
  const [btc, eth] = await seriesFrom(market)
  series = [btc, { ...eth, openInterest: 1234.5 }, { ...btc, coin: 'OLD', delisted: true }]
})

describeProvider('hyperliquid', async () => {
  const exchange = await startExchange({ series, now: () => NOW, weightLimit: 1e9 })
  const clock = createTestClock(NOW)
  return {
    provider: createHyperliquidProvider({ apiUrl: exchange.url, now: clock.now, sleep: clock.sleep }),
    coin: 'ETH',
    range: { from: END - 700 * HOUR, to: END },
    stop: exchange.close,
  }
})

describe('the Hyperliquid provider', () => {
  let clock: TestClock
  let exchange: Exchange
  let provider: Provider

  async function start(options: Partial<ExchangeOptions> = {}, ofProvider: Partial<HyperliquidOptions> = {}) {
    await exchange?.close()
    exchange = await startExchange({ series, now: clock.now, ...options })
    provider = createHyperliquidProvider({
      apiUrl: exchange.url,
      now: clock.now,
      sleep: clock.sleep,
      random: { uniform: () => 1 },
      timeout: 400,
      ...ofProvider,
    })
  }
  beforeEach(async () => {
    clock = createTestClock(NOW)
    await start()
  })
  afterEach(() => exchange.close())

  const LAST_DAY = { from: END - 24 * HOUR, to: END }
  const asked = (type: string) => exchange.requests.filter((request) => request.type === type).length

  it('gives the numbers of the exchange', async () => {
    const candles = await provider.candles('ETH', LAST_DAY)
    const funding = await provider.funding('ETH', LAST_DAY)
    const truth = series[1]
    expect(candles.close).toEqual(truth.candles.close.slice(HOURS - 25, HOURS - 1))
    expect(candles.volume).toEqual(truth.candles.volume.slice(HOURS - 25, HOURS - 1))
    expect(funding.rate).toEqual(truth.funding.rate.slice(HOURS - 25, HOURS - 1))
  })

  it('drops the candle that is still forming', async () => {
    const { openTime } = await provider.candles('BTC', { from: END - 5 * HOUR, to: END + 5 * HOUR })
    expect(openTime.at(-1)).toBe(END - HOUR)
    expect(openTime).toHaveLength(5)
  })

  it('says so when the candles asked for are older than the venue keeps', async () => {
    const { openTime } = await provider.candles('BTC', { from: START, to: END })
    expect(openTime).toHaveLength(4999)
    expect(provider.takeNotices()).toMatchObject([
      { coin: 'BTC', kind: 'truncated', message: expect.stringMatching(/newest 5000/) },
    ])
    const none = await provider.candles('BTC', { from: START, to: START + 100 * HOUR })
    expect(none.openTime).toHaveLength(0)
    expect(provider.takeNotices()).toMatchObject([
      { kind: 'truncated', message: expect.stringMatching(/none of the range is left/) },
    ])
  })

  it('says nothing when a coin was listed later than asked for', async () => {
    const { candles } = series[0]
    const young = { ...candles, coin: 'NEW', openTime: candles.openTime.subarray(HOURS - 50) }
    await start({ series: [{ ...series[0], coin: 'NEW', candles: young }] })
    expect((await provider.candles('NEW', { from: START, to: END })).openTime).toHaveLength(49)
    expect(provider.takeNotices()).toEqual([])
  })

  it('turns the pages of funding', async () => {
    const range = { from: END - 1700 * HOUR, to: END }
    const { time, rate } = await provider.funding('BTC', range)
    expect(time).toHaveLength(1700)
    expect(rate).toEqual(series[0].funding.rate.slice(HOURS - 1701, HOURS - 1))
    expect(asked('fundingHistory')).toBe(4)
    expect(provider.takeNotices()).toEqual([])
  })

  it('pays for what was answered, not for what might have been', async () => {
    const { candles } = series[0]
    const budget = createWeightBudget({ now: clock.now, sleep: clock.sleep })
    const young = { ...candles, coin: 'NEW', openTime: candles.openTime.subarray(HOURS - 50) }
    await start({ series: [{ ...series[0], coin: 'NEW', candles: young }] }, { budget })
    await provider.candles('NEW', { from: START, to: END })
    // The list of coins, and 49 candles.
    expect(budget.used()).toBe(20 + 21)
  })

  it('leaves the 8-hourly funding of 2023 out, and says so', async () => {
    const switched = Date.UTC(2023, 5, 9)
    const time = Float64Array.of(switched - 16 * HOUR, switched - 8 * HOUR, switched, switched + HOUR)
    const funding = { coin: 'BTC', time, rate: Float64Array.of(0.0003, 0.0003, 1.25e-5, 2e-5) }
    await start({ series: [{ ...series[0], funding }] })
    const served = await provider.funding('BTC', { from: switched - 48 * HOUR, to: switched + HOUR })
    expect(Array.from(served.rate)).toEqual([1.25e-5, 2e-5])
    expect(provider.takeNotices()).toMatchObject([
      { kind: 'truncated', message: expect.stringMatching(/every 8 hours/) },
    ])
  })

  it('lists delisted coins as such and leaves them out of open interest', async () => {
    expect(await provider.universe()).toMatchObject([
      { coin: 'BTC', sizeDecimals: 5 },
      { coin: 'ETH', live: true },
      { coin: 'OLD', live: false },
    ])
    const snapshots = await provider.openInterest()
    expect(snapshots.map(({ coin }) => coin)).toEqual(['BTC', 'ETH'])
    expect(snapshots[1]).toEqual({ coin: 'ETH', time: NOW, openInterest: 1234.5 })
  })

  it('knows a typo from an outage: it is refused at once, without asking for its candles', async () => {
    await expect(provider.candles('BTCC', LAST_DAY)).rejects.toThrow(InputError)
    await expect(provider.funding('btc', LAST_DAY)).rejects.toThrow(/unknown coin "btc".*BTC ETH OLD/)
    expect(exchange.requests.map(({ type }) => type)).toEqual(['meta'])
    expect(clock.slept).toEqual([])
  })

  it('looks again, but not each time, for a coin that may have been listed since', async () => {
    for (let i = 0; i < 3; i++) await expect(provider.candles('NEW', LAST_DAY)).rejects.toThrow(InputError)
    expect(asked('meta')).toBe(1)
    clock.set(NOW + 2 * 60_000)
    await expect(provider.candles('NEW', LAST_DAY)).rejects.toThrow(InputError)
    expect(asked('meta')).toBe(2)
  })

  it('gives the gaps of the exchange as gaps', async () => {
    exchange.hide('ETH', END - 3 * HOUR)
    const { openTime } = await provider.candles('ETH', LAST_DAY)
    expect(openTime).toHaveLength(23)
    expect(openTime).not.toContain(END - 3 * HOUR)
  })

  describe('asks again', () => {
    it.each<FaultKind>(['429 null', '500 null', '502 html', 'cut body', 'reset', 'hang'])('after %s', async (kind) => {
      exchange.faults.add({ kind, times: 2, type: 'candleSnapshot' })
      const { openTime } = await provider.candles('BTC', LAST_DAY)
      expect(openTime).toHaveLength(24)
      expect(asked('candleSnapshot')).toBe(3)
      expect(clock.slept).toHaveLength(2)
      expect(clock.slept[1]).toBeGreaterThanOrEqual(clock.slept[0])
    })

    it('with delays that grow and that chance halves at most', async () => {
      for (const [uniform, delays] of [
        [0, [250, 500, 1000, 2000, 4000]],
        [1, [500, 1000, 2000, 4000, 8000]],
      ] as const) {
        clock = createTestClock(NOW)
        await start({}, { random: { uniform: () => uniform } })
        exchange.faults.add({ kind: '502 html' })
        await expect(provider.universe()).rejects.toThrow(UnavailableError)
        expect(clock.slept).toEqual(delays)
      }
    })

    it('but gives up in the end, with the status and a word on what to do', async () => {
      await start({}, { random: { uniform: () => 0 } })
      exchange.faults.add({ kind: '429 null' })
      const error = await provider.universe().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(UnavailableError)
      expect(error).toMatchObject({
        action: 'retry',
        details: { status: 429 },
        message: expect.stringMatching(/meta.*429.*wait a minute/),
      })
      expect(asked('meta')).toBe(6)
      expect(clock.slept.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(60_000)
    })

    it('and says which address does not answer', async () => {
      const { url } = exchange
      await exchange.close()
      await expect(provider.universe()).rejects.toThrow(new RegExp(`${url}.*ECONNREFUSED`))
    })
  })

  describe('does not ask again', () => {
    it('after 422: the request is wrong and stays so', async () => {
      exchange.faults.add({ kind: '422 text', type: 'fundingHistory' })
      await expect(provider.funding('BTC', LAST_DAY)).rejects.toThrow(InputError)
      expect(asked('fundingHistory')).toBe(1)
    })

    it.each<FaultKind>([
      '200 null',
      '200 html',
      'broken json',
      'NaN text',
      'negative',
      'number for text',
      'missing field',
      'unordered',
      'contradicting',
      'other coin',
    ])('after an answer that is wrong: %s', async (kind) => {
      for (const type of ['candleSnapshot', 'fundingHistory'] as const) {
        exchange.faults.add({ kind, type })
        const ask = type === 'candleSnapshot' ? provider.candles : provider.funding
        const error = await ask('ETH', LAST_DAY).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(VenueError)
        expect((error as VenueError).message).toMatch(/^(candle|funding)\w* ETH: /)
        expect(asked(type)).toBe(1)
      }
      expect(clock.slept).toEqual([])
    })

    it.each<[FaultKind, RegExp]>([
      ['NaN text', /candleSnapshot ETH: 12\.c is wrong \(must be a decimal number in a string\), got "NaN"/],
      ['negative', /candleSnapshot ETH: 12\.c is wrong \(must be above zero\), got "-5\.0"/],
      ['number for text', /candleSnapshot ETH: 12\.c is wrong.*got 1\.5/],
      ['other coin', /row 12 \(2025-.* UTC\) s must be ETH, got "NOPE"/],
      ['unordered', /t must not lie before the row above/],
    ])('and names coin, field and value: %s', async (kind, message) => {
      exchange.faults.add({ kind, type: 'candleSnapshot' })
      await expect(provider.candles('ETH', LAST_DAY)).rejects.toThrow(message)
    })

    it.each<FaultKind>(['200 null', 'negative', 'number for text', 'missing field'])(
      'after a wrong list of coins: %s',
      async (kind) => {
        exchange.faults.add({ kind })
        await expect(provider.universe()).rejects.toThrow(VenueError)
        await expect(provider.openInterest()).rejects.toThrow(VenueError)
        expect(clock.slept).toEqual([])
      },
    )
  })

  it('drops rows that are repeated, and says so', async () => {
    exchange.faults.add({ kind: 'repeated', type: 'candleSnapshot' })
    exchange.faults.add({ kind: 'repeated', type: 'fundingHistory' })
    expect((await provider.candles('ETH', LAST_DAY)).openTime).toHaveLength(24)
    expect((await provider.funding('ETH', LAST_DAY)).time).toHaveLength(24)
    expect(provider.takeNotices().map(({ kind }) => kind)).toEqual(['duplicate', 'duplicate'])
  })

  it('stops when told to: during a request, a retry, and a wait for budget', async () => {
    const reason = new Error('enough')
    exchange.faults.add({ kind: 'hang' })
    const during = new AbortController()
    setTimeout(() => during.abort(reason), 30)
    await expect(provider.universe(during.signal)).rejects.toBe(reason)

    await start(
      {},
      {
        sleep: (_, signal) =>
          new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
      },
    )
    exchange.faults.add({ kind: '500 null' })
    const retrying = new AbortController()
    setTimeout(() => retrying.abort(reason), 30)
    await expect(provider.universe(retrying.signal)).rejects.toBe(reason)
    expect(asked('meta')).toBe(1)
  })

  it('never exceeds the weight of the exchange, however many calls run at once', async () => {
    const range = { from: END - 4900 * HOUR, to: END }
    await Promise.all(
      ['BTC', 'ETH', 'OLD'].flatMap((coin) => [provider.candles(coin, range), provider.funding(coin, range)]),
    )
    // 3 x (103 + 10 pages of 45) and up to 3 lists of coins weigh about 1,700: more than one minute allows.
    expect(exchange.refused()).toBe(0)
    expect(clock.slept.length).toBeGreaterThan(0)
    expect(clock.now() - NOW).toBeLessThan(2.5 * 60_000)
  })
})
