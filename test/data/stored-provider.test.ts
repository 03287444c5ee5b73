import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError, UnavailableError } from '#data/errors.ts'
import type { Provider } from '#data/provider.ts'
import { createHyperliquidProvider } from '#data/providers/hyperliquid.ts'
import { ONCE } from '#data/providers/hyperliquid-requests.ts'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { openStore, type Store } from '#data/store.ts'
import { throughStore } from '#data/stored-provider.ts'
import { type Exchange, startExchange } from '../exchange/exchange.ts'
import { type ExchangeSeries, seriesFrom } from '../exchange/series.ts'
import { createTestClock, type TestClock } from './clock.ts'
import { describeProvider } from './providers/conformance.ts'

const START = Date.UTC(2025, 0, 1)
const HOURS = 1200
/** Ten minutes into an hour; another 200 hours are still to come. */
const NOW = START + 1000 * HOUR + 10 * 60_000
const MINUTE = 60_000

let series: ExchangeSeries[]
beforeAll(async () => {
  series = await seriesFrom(createSimulatedProvider({ seed: 5, start: START, hours: HOURS, coins: ['BTC', 'ETH'] }))
})

describeProvider('hyperliquid through the store', async () => {
  const exchange = await startExchange({ series, now: () => NOW })
  const remote = createHyperliquidProvider({ apiUrl: exchange.url, now: () => NOW })
  const store = openStore(':memory:')
  return {
    provider: throughStore(remote, { store, now: () => NOW }),
    coin: 'ETH',
    range: { from: START + 100 * HOUR, to: START + 800 * HOUR },
    stop: async () => {
      store.close()
      await exchange.close()
    },
  }
})

describe('a provider through the store', () => {
  let clock: TestClock
  let exchange: Exchange
  let remote: Provider
  let store: Store
  let provider: Provider
  beforeEach(async () => {
    clock = createTestClock(NOW)
    exchange = await startExchange({ series, now: clock.now })
    remote = createHyperliquidProvider({ apiUrl: exchange.url, now: clock.now, sleep: clock.sleep, policy: ONCE })
    store = openStore(':memory:')
    provider = throughStore(remote, { store, now: clock.now })
  })
  afterEach(async () => {
    store.close()
    await exchange.close()
  })

  const RANGE = { from: START + 400 * HOUR, to: START + 1100 * HOUR }
  /** Hours asked of the exchange for candles, from START, since the last call. */
  function askedHours(): [number, number][] {
    const asked = exchange.requests.flatMap((request) => (request.type === 'candleSnapshot' ? [request.req] : []))
    exchange.requests.length = 0
    return asked.map(({ startTime, endTime = 0 }) => [(startTime - START) / HOUR, (endTime + 1 - START) / HOUR])
  }

  it('fetches once, and within the hour nothing more', async () => {
    const first = await provider.candles('BTC', RANGE)
    expect(askedHours()).toEqual([[400, 1000]])
    clock.set(NOW + 30 * MINUTE)
    expect(await provider.candles('BTC', RANGE)).toEqual(first)
    await provider.candles('BTC', { from: START + 500 * HOUR, to: START + 600 * HOUR })
    expect(exchange.requests).toEqual([])
  })

  it('fetches later only what is new, and the last three hours again', async () => {
    await provider.candles('BTC', RANGE)
    await provider.funding('BTC', RANGE)
    clock.set(NOW + 5 * HOUR)
    exchange.requests.length = 0
    const { openTime } = await provider.candles('BTC', RANGE)
    expect(openTime).toHaveLength(605)
    expect(askedHours()).toEqual([[997, 1005]])
    expect((await provider.funding('BTC', RANGE)).time).toHaveLength(605)
    const [request] = exchange.requests
    expect(request).toMatchObject({ type: 'fundingHistory', startTime: START + 998 * HOUR })
  })

  it('fetches what lies before, and keeps what it has unbroken', async () => {
    await provider.candles('BTC', { from: START + 500 * HOUR, to: START + 600 * HOUR })
    await provider.candles('BTC', { from: START + 300 * HOUR, to: START + 400 * HOUR })
    await provider.candles('BTC', { from: START + 700 * HOUR, to: START + 800 * HOUR })
    expect(askedHours()).toEqual([
      [500, 600],
      [300, 500],
      [597, 800],
    ])
    expect((await provider.candles('BTC', { from: START + 300 * HOUR, to: START + 800 * HOUR })).openTime).toHaveLength(
      500,
    )
    expect(askedHours()).toEqual([])
  })

  it('asks again for hours that were missing, as the venue publishes some late', async () => {
    const missing = START + 980 * HOUR
    exchange.hide('BTC', missing)
    expect((await provider.candles('BTC', RANGE)).openTime).toHaveLength(599)
    exchange.reveal('BTC', missing)
    expect((await provider.candles('BTC', RANGE)).openTime).toHaveLength(599)
    clock.set(NOW + 20 * MINUTE)
    askedHours()
    expect((await provider.candles('BTC', RANGE)).openTime).toHaveLength(600)
    expect(askedHours()).toEqual([[980, 1000]])
  })

  it('asks again when the last hour was missing', async () => {
    exchange.hide('BTC', START + 999 * HOUR)
    expect((await provider.candles('BTC', RANGE)).openTime).toHaveLength(599)
    exchange.reveal('BTC', START + 999 * HOUR)
    clock.set(NOW + 6 * MINUTE)
    expect((await provider.candles('BTC', RANGE)).openTime).toHaveLength(600)
  })

  it('takes an hour that stays missing for three days for a gap', async () => {
    exchange.hide('BTC', START + 900 * HOUR)
    await provider.candles('BTC', RANGE)
    clock.set(NOW + HOUR)
    askedHours()
    expect((await provider.candles('BTC', RANGE)).openTime).not.toContain(START + 900 * HOUR)
    expect(askedHours()).toEqual([[997, 1001]])
  })

  it('does not go back to a gap that was young when last looked at and is three days old now', async () => {
    exchange.hide('BTC', START + 960 * HOUR)
    await provider.candles('BTC', RANGE)
    clock.set(NOW + 40 * HOUR)
    askedHours()
    await provider.candles('BTC', RANGE)
    // Hour 960 is 80 hours old; what begins 72 hours ago is whole.
    expect(askedHours()).toEqual([[997, 1040]])
  })

  it('serves what it has when the venue is away, and says so', async () => {
    const before = await provider.candles('BTC', RANGE)
    await provider.funding('BTC', RANGE)
    await provider.universe()
    clock.set(NOW + 3 * HOUR)
    exchange.faults.add({ kind: '502 html' })
    expect(await provider.candles('BTC', RANGE)).toEqual(before)
    expect((await provider.funding('BTC', RANGE)).time).toHaveLength(600)
    expect(await provider.universe()).toEqual([{ coin: 'BTC', live: true }])
    expect(provider.takeNotices()).toEqual([
      {
        coin: 'BTC',
        kind: 'stale',
        message: expect.stringMatching(/^candles .* last of 2025-02-11 15:00 UTC, because: /),
      },
      { coin: 'BTC', kind: 'stale', message: expect.stringMatching(/^funding rates .* last of 2025-02-11 16:00 UTC/) },
      { coin: '', kind: 'stale', message: expect.stringMatching(/^the list of coins .*502 Bad Gateway/) },
    ])
    await expect(provider.candles('ETH', RANGE)).rejects.toThrow(UnavailableError)
  })

  it('does not wait for every coin when the venue did not even give its list of coins', async () => {
    const before = await provider.candles('BTC', RANGE)
    await exchange.close()
    clock.set(NOW + 2 * HOUR)
    let asked = 0
    const counting: Provider = {
      ...remote,
      candles: (...request) => {
        asked++
        return remote.candles(...request)
      },
      openInterest: (signal) => {
        asked++
        return remote.openInterest(signal)
      },
    }
    provider = throughStore(counting, { store, now: clock.now })
    await provider.universe()
    expect(await provider.candles('BTC', RANGE)).toEqual(before)
    await expect(provider.candles('ETH', RANGE)).rejects.toThrow(UnavailableError)
    await expect(provider.funding('BTC', RANGE)).rejects.toThrow(UnavailableError)
    await expect(provider.openInterest()).rejects.toThrow(UnavailableError)
    expect(asked).toBe(0)
    clock.set(NOW + 2 * HOUR + MINUTE)
    expect(await provider.candles('BTC', RANGE)).toEqual(before)
    expect(asked).toBe(1)
  })

  it('leaves an outage to the caller where that is wanted, and never hides a mistake', async () => {
    await provider.candles('BTC', RANGE)
    const strict = throughStore(remote, { store, now: clock.now, whenUnavailable: 'throw' })
    await expect(provider.candles('BTCC', RANGE)).rejects.toThrow(InputError)
    clock.set(NOW + 3 * HOUR)
    exchange.faults.add({ kind: '502 html' })
    await expect(strict.candles('BTC', RANGE)).rejects.toThrow(UnavailableError)
  })

  it('keeps the part that came before an outage', async () => {
    await provider.candles('BTC', { from: START + 500 * HOUR, to: START + 600 * HOUR })
    askedHours()
    exchange.faults.add({ kind: '502 html', type: 'candleSnapshot' })
    const wide = { from: START + 300 * HOUR, to: START + 800 * HOUR }
    expect((await provider.candles('BTC', wide)).openTime).toHaveLength(100)
    exchange.faults.clear()
    expect((await provider.candles('BTC', wide)).openTime).toHaveLength(500)
  })

  it('writes open interest down, and gives it back with the bars', async () => {
    await provider.openInterest()
    clock.set(NOW + HOUR)
    const { openInterest } = await provider.candles('BTC', RANGE)
    expect(openInterest?.at(-1)).toBe(series[0].openInterest)
    expect(openInterest?.at(-2)).toBeNaN()
  })

  it('gives the corrections of the venue to its last hours', async () => {
    await provider.candles('BTC', RANGE)
    const { close } = series[0].candles
    const original = close[999]
    clock.set(NOW + HOUR)
    close[999] = original * 1.0001
    const corrected = await provider.candles('BTC', RANGE)
    close[999] = original
    expect(corrected.close.at(-2)).toBeCloseTo(original * 1.0001, 6)
  })
})
