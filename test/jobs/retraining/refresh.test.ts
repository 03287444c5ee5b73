import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createSimulatedProvider, SIMULATION_START } from '#data/providers/simulated.ts'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import { refreshStep } from '#jobs/retraining/refresh.ts'
import { loadHistory } from '#training/history.ts'
import { type Exchange, startExchange } from '../../exchange/exchange.ts'
import { type ExchangeSeries, seriesFrom } from '../../exchange/series.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const HOURS = 1200
const END = SIMULATION_START + 1000 * HOUR

describe('the data of a retraining', () => {
  let state: string
  let series: ExchangeSeries[]
  let exchange: Exchange
  let now: number
  beforeAll(async () => {
    series = await seriesFrom(createSimulatedProvider({ seed: 5, hours: HOURS, coins: ['BTC', 'ETH'] }), ['BTC'])
  })
  beforeEach(async () => {
    state = mkdtempSync(join(tmpdir(), 'millrace-refresh-'))
    now = END + 60_000
    exchange = await startExchange({ series, now: () => now, weightLimit: 1e9 })
  })
  afterEach(async () => {
    await exchange.close()
    rmSync(state, { recursive: true, force: true })
  })

  const refresh = (asOf: number, last: boolean, change: Partial<RunSettings> = {}) => {
    const settings = {
      source: { source: 'hyperliquid', apiUrl: exchange.url },
      coins: ['BTC'],
      seed: 1,
      paths: { state },
      ...change,
    } as unknown as RunSettings
    return refreshStep({ settings, logger, now: () => now } as never, asOf, last)
  }

  /** The exchange answers, and with nothing that can be used: no patience is lost on it. */
  const spoil = () => exchange.faults.add({ kind: 'missing field', type: 'meta' })

  it('are brought up to the full hour, and no further', async () => {
    const { newest, dataset, degraded } = await refresh(END, false)
    expect({ newest, degraded }).toEqual({ newest: END, degraded: [] })
    expect(dataset).toMatchObject({ to: END + HOUR, from: END + HOUR - 30 * 24 * HOUR })
  })

  it('are asked for again while the exchange is away, then what is stored has to do', async () => {
    await refresh(END, false)
    now += 5 * HOUR
    spoil()
    await expect(refresh(END + 5 * HOUR, false)).rejects.toMatchObject({
      name: 'UnavailableError',
      message: expect.stringMatching(/^the data are not up to date: /),
    })
    const { newest, degraded } = await refresh(END + 5 * HOUR, true)
    expect(newest).toBe(END)
    expect(degraded[0]).toMatch(/^degraded: trained on what is stored, the newest bar ended at 2025-02-11 16:00/)
  })

  it('fail where what is stored is older than a day, or there is nothing', async () => {
    await refresh(END, false)
    spoil()
    now += 25 * HOUR
    await expect(refresh(END + 25 * HOUR, true)).rejects.toMatchObject({
      action: 'retry',
      message: expect.stringMatching(/25 hours before .* too old to retrain on/),
    })
    rmSync(state, { recursive: true, force: true })
    await expect(refresh(END, true)).rejects.toMatchObject({ name: 'VenueError' })
  })

  it('of a local source end where the replay is', async () => {
    const source = { source: 'simulated', seed: 5, hours: HOURS, coins: ['BTC'] as [string] } as const
    const { newest, dataset } = await refresh(END, false, { source })
    expect(newest).toBe(END)
    const { bars } = await loadHistory(dataset, { now: () => now })
    expect(bars[0].openTime.at(-1)).toBe(END - HOUR)
    // What the user set as the end is not passed.
    const { newest: earlier } = await refresh(END, false, { source, to: END - 9 * HOUR })
    expect(earlier).toBe(END - 10 * HOUR)
  })
})
