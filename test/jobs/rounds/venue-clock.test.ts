import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { openStore } from '#data/store.ts'
import { createWeightBudget } from '#data/weight-budget.ts'
import { openBroker } from '#jobs/broker.ts'
import { openRecords } from '#jobs/records.ts'
import { wallClock } from '#jobs/rounds/clock.ts'
import { remoteMarkets } from '#jobs/rounds/markets.ts'
import { RoundOptions } from '#jobs/rounds/options.ts'
import { startRounds } from '#jobs/rounds/run-rounds.ts'
import { createTraderKeeper } from '#jobs/rounds/trader.ts'
import { WheelOptions } from '#src/options.ts'
import { startExchange } from '../../exchange/exchange.ts'
import { seriesFrom } from '../../exchange/series.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const state = mkdtempSync(join(tmpdir(), 'millrace-venue-clock-'))
afterAll(() => rmSync(state, { recursive: true, force: true }))

const START = Date.UTC(2025, 0, 1)
const COINS = ['BTC', 'ETH']

it('takes no candle for finished because the clock of this machine is ahead of the exchange', async () => {
  const first = START + 1200 * HOUR
  let venue = first + 30_000
  let ahead = 0
  const now = () => venue + ahead
  const provider = createSimulatedProvider({ seed: 5, hours: 1300, coins: COINS as [string, ...string[]] })
  const series = await seriesFrom(provider)
  const exchange = await startExchange({ series, now: () => venue, weightLimit: 1e9 })
  const source = { source: 'hyperliquid', apiUrl: exchange.url } as const
  const markets = remoteMarkets({ source, coins: COINS, state }, 'hyperliquid', {
    now,
    budget: createWeightBudget({ now, limit: 1e9 }),
    instruments: { read: () => undefined, write: () => {} },
  })
  const broker = await openBroker({ stateDirectory: state, logger })
  const records = openRecords(':memory:')
  const wheel = WheelOptions.parse({})
  const trader = createTraderKeeper(join(state, 'ledger.sqlite'), wheel)
  const rounds = await startRounds({
    broker,
    records,
    clock: wallClock(now, { graceSeconds: 20, deadlineMinutes: 10 }),
    markets,
    trader,
    models: join(state, 'models'),
    rounds: RoundOptions.parse({ inferSeconds: 0.1 }),
    wheel,
    integrityHours: 24,
    latePause: 50,
    look: 50,
    logger,
  })
  try {
    await expect.poll(() => records.round(first)?.state, { timeout: 20_000 }).toBe('done')
    expect(records.note('clock')).toBeUndefined()

    // Our clock says the next hour is over; at the exchange it is half past.
    venue = first + HOUR / 2
    ahead = HOUR / 2 + 60_000
    await expect.poll(() => records.note('clock'), { timeout: 20_000 }).toMatch(/31 min ahead of the exchange/)
    expect(records.round(first + HOUR)?.state).toBe('running')
    // The clock is set right, and goes on: the same round ends, and only now.
    ahead = 0
    await rounds.planner.plan()
    expect(records.rounds(9)).toHaveLength(2)
    venue = first + HOUR + 30_000
    await expect.poll(() => records.round(first + HOUR)?.state, { timeout: 20_000 }).toBe('done')
    expect(records.round(first + HOUR)?.newestBar).toBe(first + HOUR)
    const store = openStore(join(state, 'market.sqlite'))
    const { close } = store.candles(markets.origin, 'BTC', { from: first, to: first + HOUR })
    const origin = `hyperliquid:${exchange.url}`
    const stored = store.candles(origin, 'BTC', { from: first, to: first + HOUR })
    store.close()
    const whole = series.find(({ coin }) => coin === 'BTC')!.candles
    expect([...close, ...stored.close]).toEqual([whole.close[whole.openTime.indexOf(first)]])
  } finally {
    await rounds.drain()
    trader.close()
    records.close()
    await broker.close()
    await exchange.close()
  }
})
