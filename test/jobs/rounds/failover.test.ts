import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { hyperliquidSpec } from '#data/source.ts'
import { createWeightBudget } from '#data/weight-budget.ts'
import { remoteMarkets } from '#jobs/rounds/markets.ts'
import { startExchange } from '../../exchange/exchange.ts'
import { seriesFrom } from '../../exchange/series.ts'

const state = mkdtempSync(join(tmpdir(), 'millrace-failover-'))
afterAll(() => rmSync(state, { recursive: true, force: true }))

const START = Date.UTC(2025, 0, 1)
const COINS = ['BTC', 'ETH']

it('turns to another address within a refresh, says so, and comes back to the first', async () => {
  const first = START + 1200 * HOUR
  let time = first + 30_000
  const now = () => time
  const provider = createSimulatedProvider({ seed: 5, hours: 1300, coins: COINS as [string, ...string[]] })
  const series = await seriesFrom(provider)
  const exchanges = await Promise.all([0, 1].map(() => startExchange({ series, now, weightLimit: 1e9 })))
  try {
    const markets = remoteMarkets(
      { source: hyperliquidSpec(exchanges[0].url, [exchanges[1].url]), coins: COINS, state },
      'hyperliquid',
      { now, budget: createWeightBudget({ now, limit: 1e9 }), instruments: { read: () => undefined, write: () => {} } },
    )
    const whole = await markets.load(first)
    expect(whole.notices.filter(({ kind }) => kind === 'failover')).toEqual([])
    expect(exchanges[1].requests).toHaveLength(0)

    // What no second try mends goes on to the next address at once.
    time += HOUR
    exchanges[0].faults.add({ kind: '200 html' })
    const other = await markets.load(first + HOUR)
    expect(other.behind).toEqual([])
    expect(other.newest).toBe(first + HOUR)
    expect(other.notices.filter(({ kind }) => kind === 'failover').length).toBeGreaterThan(0)
    expect(await markets.clock?.()).toBe(time)

    time += HOUR
    exchanges[0].faults.clear()
    const asked = exchanges[1].requests.length
    const back = await markets.load(first + 2 * HOUR)
    expect(back.behind).toEqual([])
    expect(exchanges[1].requests).toHaveLength(asked)
    // Two addresses of one market: the bars are the same.
    expect(back.bars.map(({ close }) => close.at(-2))).toEqual(other.bars.map(({ close }) => close.at(-1)))
    const stored = await markets.load(first + 2 * HOUR, { stored: 'a restart' })
    expect(stored.bars).toEqual(back.bars)
  } finally {
    await Promise.all(exchanges.map((exchange) => exchange.close()))
  }
})
