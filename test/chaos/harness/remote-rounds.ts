import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { createWeightBudget, type Sleep } from '#data/weight-budget.ts'
import { openBroker } from '#jobs/broker.ts'
import { openRecords, type RoundRecord, recordsFile } from '#jobs/records.ts'
import { wallClock } from '#jobs/rounds/clock.ts'
import { remoteMarkets } from '#jobs/rounds/markets.ts'
import { RoundOptions } from '#jobs/rounds/options.ts'
import { type RunningRounds, startRounds } from '#jobs/rounds/run-rounds.ts'
import { createTraderKeeper } from '#jobs/rounds/trader.ts'
import { serveQueues } from '#jobs/serve.ts'
import { type Exchange, startExchange } from '../../exchange/exchange.ts'
import { seriesFrom } from '../../exchange/series.ts'
import { silentLogger as logger } from '../../jobs/silent-logger.ts'
import { dayOptions as wheel } from '../../src/engine/day.ts'
import { startOwnRedis } from './redis-server.ts'
import { openFolder } from './stage.ts'

const START = Date.UTC(2025, 0, 1)
/** Hours of history that the exchange has before the first round: what a round looks back upon. */
const BEFORE = 46 * 24

/** Rounds of this process on a stand-in exchange, on clocks of the test's own. */
export interface RemoteRounds {
  /** The hour whose round is the first. */
  readonly first: number
  readonly state: string
  readonly exchange: Exchange
  readonly running: RunningRounds
  /** Every request that reached the exchange, by its clock. */
  readonly arrivals: readonly { readonly at: number; readonly type: string }[]
  /** Sets the exchange's clock, and with it ours; it goes on from there. */
  setTime(time: number): void
  /** How far our clock is ahead of the exchange's, milliseconds. */
  setAhead(milliseconds: number): void
  /** The exchange's clock. */
  time(): number
  /** Resolves when the round of this hour has ended. */
  ended(asOf: number): Promise<RoundRecord>
  round(asOf: number): RoundRecord | undefined
  /** Resolves when so much time has passed for the exchange. */
  wait: Sleep
}

/**
 * @param speed how much faster than ours their time passes: all waiting of this process is as much shorter. The test
 *   file must mock `sleepFor` of `#data/weight-budget.ts` by {@link quickSleep}
 */
export async function openRemoteRounds(coins: [string, ...string[]], speed: number): Promise<RemoteRounds> {
  const first = START + BEFORE * HOUR
  let [time, since, ahead] = [first + 25_000, Date.now(), 0]
  const venue = () => Math.floor(time + (Date.now() - since) * speed)
  const now = () => venue() + ahead
  quickness.speed = speed
  const timeout = AbortSignal.timeout.bind(AbortSignal)
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => timeout(Math.ceil(milliseconds / speed)))

  const redis = await startOwnRedis()
  onTestFinished(() => redis.close())
  const state = await openFolder()
  onTestFinished(() => rm(state, { recursive: true, force: true }))
  const provider = createSimulatedProvider({ seed: 5, hours: BEFORE + 400, coins })
  const exchange = await startExchange({ series: await seriesFrom(provider), now: venue })
  onTestFinished(() => exchange.close())
  const arrivals: { at: number; type: string }[] = []
  const take = exchange.faults.take
  exchange.faults.take = (type) => {
    arrivals.push({ at: venue(), type })
    return take(type)
  }

  const models = join(state, 'models')
  await mkdir(join(models, 'cde'), { recursive: true })
  await writeFile(join(models, 'cde', 'champion'), 'cde-1')
  const servingModule = new URL('../../jobs/fixtures/serving.ts', import.meta.url).href
  const broker = await openBroker({ redisUrl: redis.url, stateDirectory: state, logger })
  const served = await serveQueues({ broker, queues: ['infer'], modelsDirectory: models, servingModule, logger })
  const records = openRecords(recordsFile(state))
  const trader = createTraderKeeper(join(state, 'paper', 'ledger.sqlite'), wheel)
  const rounds = RoundOptions.parse({})
  const source = { source: 'hyperliquid', apiUrl: exchange.url } as const
  const budget = createWeightBudget({ now, sleep: quickSleep })
  const instruments = { read: () => undefined, write: () => {} }
  const running = await startRounds({
    broker,
    records,
    clock: wallClock(now, rounds),
    markets: remoteMarkets({ source, coins, state }, 'hyperliquid', { now, budget, instruments }),
    trader,
    models,
    rounds,
    wheel,
    integrityHours: 24,
    latePause: 20_000 / speed,
    look: 5_000 / speed,
    logger,
  })
  onTestFinished(async () => {
    await running.drain()
    await served.drain()
    trader.close()
    records.close()
    await broker.close()
    vi.restoreAllMocks()
  })

  const round = (asOf: number) => records.round(asOf)
  return {
    first,
    state,
    exchange,
    running,
    arrivals,
    time: venue,
    setTime(to) {
      time = to
      since = Date.now()
    },
    setAhead(milliseconds) {
      ahead = milliseconds
    },
    round,
    async ended(asOf) {
      for (;;) {
        const found = round(asOf)
        if (found !== undefined && found.state !== 'running') return found
        await quickSleep(1_000)
      }
    },
    wait: quickSleep,
  }
}

/** Shared by {@link quickSleep}, which stands for the sleep of a module that is mocked before any test begins. */
const quickness = { speed: 1 }

/** Waits on the test's clock. */
export const quickSleep: Sleep = (milliseconds, signal) =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, milliseconds / quickness.speed)
    signal?.addEventListener('abort', stop, { once: true })
  })
