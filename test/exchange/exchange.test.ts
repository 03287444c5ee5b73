import { HttpTransport } from '@nktkas/hyperliquid'
import { allMids, outcomeMeta, predictedFundings, spotMeta } from '@nktkas/hyperliquid/api/info'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createSimulatedProvider, SIMULATION_START } from '#data/providers/simulated.ts'
import { type Exchange, startExchange } from './exchange.ts'
import { seriesFrom } from './series.ts'

const NOW = SIMULATION_START + 5500 * HOUR + 90_000

describe('the stand-in exchange', () => {
  let exchange: Exchange
  let time = NOW
  beforeAll(async () => {
    const series = await seriesFrom(createSimulatedProvider({ seed: 1, hours: 5600, coins: ['BTC', 'ETH'] }))
    exchange = await startExchange({ series, now: () => time })
  })
  afterAll(() => exchange.close())

  function post(body: unknown, init: RequestInit = {}) {
    // Each test is alone with its minute.
    time += 60_000
    const headers = { 'content-type': 'application/json' }
    return fetch(`${exchange.url}/info`, { method: 'POST', headers, body: JSON.stringify(body), ...init })
  }
  type Row = { t: number; T: number; time: number; fundingRate: string; premium: string }
  const rowsOf = async (response: Response) => (await response.json()) as Row[]
  const candles = async (startTime: number, endTime: number) =>
    rowsOf(await post({ type: 'candleSnapshot', req: { coin: 'BTC', interval: '1h', startTime, endTime } }))

  it.each([
    ['a body that is no JSON', { body: '{' }, 400, 'Failed to parse the request body as JSON'],
    [
      'another content type',
      { headers: { 'content-type': 'text/plain' } },
      415,
      'Expected request with `Content-Type: application/json`',
    ],
    ['another method', { method: 'GET', body: null }, 405, ''],
  ])('refuses %s as the real one does', async (_, init, status, text) => {
    const response = await post({ type: 'meta' }, init)
    expect([response.status, await response.text()]).toEqual([status, text])
  })

  it.each([
    ['an unknown type', { type: 'nothing' }],
    ['a missing field', { type: 'fundingHistory', coin: 'BTC' }],
    ['a field of the wrong type', { type: 'fundingHistory', coin: 'BTC', startTime: 'yesterday' }],
  ])('refuses %s with 422', async (_, body) => {
    const response = await post(body)
    expect(response.status).toBe(422)
    expect(await response.text()).toBe('Failed to deserialize the JSON body into the target type')
  })

  it('answers an unknown coin or dex with 500 null', async () => {
    for (const body of [
      { type: 'fundingHistory', coin: 'NO', startTime: 0 },
      { type: 'metaAndAssetCtxs', dex: 'no' },
    ]) {
      const response = await post(body)
      expect([response.status, await response.text()]).toEqual([500, 'null'])
    }
  })

  it('keeps the newest 5,000 candles, the last still forming, numbers as text', async () => {
    const rows = await candles(0, time + 10 * HOUR)
    expect(rows).toHaveLength(5000)
    const last = rows[4999]
    expect(last.T).toBeGreaterThan(time)
    expect(last).toMatchObject({ s: 'BTC', i: '1h', o: expect.stringMatching(/^\d+\.\d+$/), n: 100 })
    expect(await candles(0, last.t - 5001 * HOUR)).toEqual([])
  })

  it('gives candles that overlap the window', async () => {
    const hour = SIMULATION_START + 5000 * HOUR
    const rows = await candles(hour + 7000, hour + 2 * HOUR)
    expect(rows.map((row) => row.t)).toEqual([hour, hour + HOUR, hour + 2 * HOUR])
  })

  it('gives 500 settlements from the start time on, stamped a little after the hour', async () => {
    const startTime = SIMULATION_START + 100 * HOUR
    const rows = await rowsOf(await post({ type: 'fundingHistory', coin: 'ETH', startTime }))
    expect(rows).toHaveLength(500)
    for (const { time: stamp } of rows) {
      expect(stamp % HOUR).toBeGreaterThanOrEqual(1)
      expect(stamp % HOUR).toBeLessThanOrEqual(118)
    }
    expect(Number(rows[3].fundingRate)).toBeCloseTo(
      (Number(rows[3].premium) + Math.max(-5e-4, Math.min(5e-4, 1e-4 - Number(rows[3].premium)))) / 8,
      9,
    )
  })

  it('refuses with 429 null what weighs more than 1,200 in a minute', async () => {
    time += 60_000
    const send = () =>
      fetch(`${exchange.url}/info`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"type":"meta"}',
      })
    for (let i = 0; i < 60; i++) expect((await send()).status).toBe(200)
    const refused = await send()
    expect([refused.status, await refused.text()]).toEqual([429, 'null'])
    expect(exchange.refused()).toBe(1)
    time += 60_000
    expect((await send()).status).toBe(200)
  })

  it('serves what else the client library asks for', async () => {
    time += 60_000
    const transport = new HttpTransport({ apiUrl: exchange.url })
    expect(Object.keys(await allMids({ transport }))).toEqual(['BTC', 'ETH'])
    expect((await predictedFundings({ transport }))[0][0]).toBe('BTC')
    expect(await spotMeta({ transport })).toEqual({ tokens: [], universe: [] })
    expect(await outcomeMeta({ transport })).toEqual({ outcomes: [], questions: [] })
  })
})
