import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { barsKnownAt, HOUR } from '#data/bars.ts'
import { UnavailableError } from '#data/errors.ts'
import { type Broker, openBroker } from '#jobs/broker.ts'
import { roundFlow } from '#jobs/fleet-queues.ts'
import { queueOf } from '#jobs/queue-of.ts'
import { type FleetRecords, openRecords } from '#jobs/records.ts'
import { type RoundClock, replayClock, wallClock } from '#jobs/rounds/clock.ts'
import { ROUND_STEPS, roundTree, stepId } from '#jobs/rounds/flow.ts'
import { type KnownBars, localMarkets, type RoundMarkets } from '#jobs/rounds/markets.ts'
import { RoundOptions } from '#jobs/rounds/options.ts'
import { type RunningRounds, startRounds } from '#jobs/rounds/run-rounds.ts'
import { createTraderKeeper, type TraderKeeper } from '#jobs/rounds/trader.ts'
import { INTEGRITY_NOTE } from '#jobs/rounds/trading.ts'
import { type ServedQueues, serveQueues } from '#jobs/serve.ts'
import { checkIntegrity } from '#src/ledger/integrity.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { WheelOptions } from '#src/options.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const COINS = ['BTC', 'ETH', 'SOL']
const servingModule = new URL('../fixtures/serving.ts', import.meta.url).href
const wheel = WheelOptions.parse({
  requireEdge: false,
  kalmanFunding: { entryZ: 0.3 },
  ouFunding: { entryZ: 0.6, exitZ: 0.1 },
  validation: { enabled: false },
  hazard: { maxSignFlip: 1 },
  fusion: { minConviction: 0 },
})

/** What rounds must do on every broker. Call inside `describe`. */
export function roundsBehaviour(redisUrl: string | undefined): void {
  let directory: string
  let broker: Broker
  let markets: Awaited<ReturnType<typeof localMarkets>>
  let served: ServedQueues | undefined
  let records: FleetRecords
  let trader: TraderKeeper
  let running: RunningRounds | undefined
  let ledger: string
  let first: number
  const namespace = `r${randomBytes(4).toString('hex')}`

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-rounds-'))
    await mkdir(join(directory, 'models', 'cde'), { recursive: true })
    await writeFile(join(directory, 'models', 'cde', 'champion'), 'cde-1')
    broker = await openBroker({ redisUrl, stateDirectory: directory, namespace, logger })
    const source = { source: 'simulated', seed: 3, hours: 900, coins: COINS as [string, ...string[]] } as const
    markets = await localMarkets({ source, coins: COINS, state: directory }, Date.now)
    first = markets.range.to - 40 * HOUR
  })
  beforeEach(async () => {
    records = openRecords(':memory:')
    ledger = join(directory, `${randomBytes(4).toString('hex')}.sqlite`)
    trader = createTraderKeeper(ledger, wheel)
  })
  afterEach(async () => {
    await running?.drain()
    running = undefined
    await served?.drain()
    served = undefined
    trader.close()
    records.close()
    // Children first: one that is removed wakes its parent, and would leave its name behind where that is gone.
    for (const queue of ['infer', 'round', 'dead'] as const) await queueOf(broker, queue).obliterate({ force: true })
  })
  afterAll(async () => {
    await broker?.removeQueues()
    await broker?.close()
    await rm(directory, { recursive: true, force: true })
  })

  const serve = async () => {
    const modelsDirectory = join(directory, 'models')
    served = await serveQueues({ broker, queues: ['infer'], modelsDirectory, servingModule, logger })
  }
  const start = async (
    given: { clock?: RoundClock; markets?: RoundMarkets; rounds?: object; integrityHours?: number } = {},
  ) => {
    running = await startRounds({
      broker,
      records,
      clock: given.clock ?? replayClock(Date.now, { from: first, to: markets.range.to }, 0),
      markets: given.markets ?? markets,
      trader,
      models: join(directory, 'models'),
      rounds: RoundOptions.parse({ pace: 0, rounds: 1, batchCoins: 2, ...given.rounds }),
      wheel,
      integrityHours: given.integrityHours ?? 24,
      latePause: 30,
      look: 50,
      logger,
    })
    return running
  }
  const events = () => {
    trader.close()
    const store = openSqliteLedger(ledger, { readOnly: true })
    const all = [...store.events()]
    store.close()
    return all
  }
  const timesOf = (kind: string) =>
    events()
      .filter((event) => event.kind === kind)
      .map(({ time }) => time)
  const hours = (count: number, from = first) => Array.from({ length: count }, (_, i) => from + i * HOUR)

  it('takes one hour after the other through every step, and keeps what each estimate was made from', async () => {
    await serve()
    await (await start({ rounds: { rounds: 6 } })).over
    const asked = hours(6)
    expect(
      records
        .rounds(10)
        .map(({ asOf }) => asOf)
        .reverse(),
    ).toEqual(asked)
    for (const round of records.rounds(10)) {
      expect(round).toMatchObject({
        state: 'done',
        degraded: [],
        coins: 3,
        estimates: 3,
        windows: 3,
        model: 'cde cde-1',
      })
      expect(round.newestBar).toBe(round.asOf)
      expect(Object.keys(round.steps)).toEqual([...ROUND_STEPS])
    }
    expect(timesOf('hour')).toEqual(asked)
    expect(timesOf('round')).toEqual(asked)
    expect(events().some(({ kind }) => kind === 'fill')).toBe(true)
    expect(checkIntegrity(ledger).broken).toBeUndefined()
    const estimates = records.estimates(first)
    expect(estimates.map(({ coin }) => coin)).toEqual(COINS)
    for (const { flow, knownAt, probabilities, barsHash, featuresHash } of estimates) {
      expect(flow).toBe(roundFlow(first))
      expect(knownAt).toBe(first)
      expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 6)
      expect([barsHash, featuresHash]).toEqual([
        expect.stringMatching(/^[0-9a-f]{64}$/),
        expect.stringMatching(/^[0-9a-f]{64}$/),
      ])
    }
    // Other bars, another digest.
    expect(records.estimates(first + HOUR)[0].barsHash).not.toBe(estimates[0].barsHash)
  })

  it('changes nothing when every step of a round is taken once more', async () => {
    await serve()
    await (await start({ rounds: { rounds: 3 } })).over
    await running?.drain()
    const before = { events: events(), estimates: records.estimates(first + 2 * HOUR) }
    await queueOf(broker, 'infer').obliterate({ force: true })
    await queueOf(broker, 'round').obliterate({ force: true })
    records.noteRound(first + 2 * HOUR, { state: 'running' })
    // The broker has forgotten the round: the planner adds it again.
    await (await start({ rounds: { rounds: 1 } })).over
    expect(records.rounds(1)[0].asOf).toBe(first + 3 * HOUR)
    expect(records.round(first + 2 * HOUR)?.state).toBe('done')
    expect(events().slice(0, before.events.length)).toEqual(before.events)
    expect(timesOf('round')).toEqual(hours(4))
    expect(records.estimates(first + 2 * HOUR)).toEqual(before.estimates)
  })

  it('begins a round once, however often it is planned', async () => {
    await start({ rounds: { rounds: 5 } })
    const planned = await Promise.all(Array.from({ length: 8 }, () => running!.planner.plan()))
    expect(planned.every((answer) => 'waits' in answer && answer.waits === 'a round is under way')).toBe(true)
    expect(records.rounds(10)).toHaveLength(1)
    const producer = broker.createFlowProducer()
    await producer.add(roundTree(first))
    const counts = await queueOf(broker, 'round').getJobCounts()
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(ROUND_STEPS.length)
  })

  it('catches up with missed rounds in their order, and opens nothing at prices that are gone', async () => {
    await serve()
    let now = first + 30_000
    const clock = wallClock(() => now, { graceSeconds: 20, deadlineMinutes: 10 })
    await start({ clock, rounds: { rounds: 5 } })
    await expect.poll(() => records.round(first)?.state, { timeout: 10_000 }).toBe('done')
    now += 4 * HOUR
    await expect.poll(() => records.round(first + 4 * HOUR)?.state, { timeout: 10_000 }).toBe('done')
    const rounds = records.rounds(10).reverse()
    expect(rounds.map(({ late }) => late)).toEqual([false, true, true, true, false])
    expect(rounds.map(({ state, estimates, degraded }) => [state, estimates, degraded])).toEqual(
      rounds.map(() => ['done', 3, []]),
    )
    await running?.drain()
    const decided = events().flatMap((event) => (event.kind === 'round' ? [event.evaluated] : []))
    expect(decided).toEqual([3, 0, 0, 0, 3])
    expect(timesOf('hour')).toEqual(hours(5))
  })

  it('leaves missed rounds out where that is the policy, and says so', async () => {
    await serve()
    let now = first + 30_000
    const clock = wallClock(() => now, { graceSeconds: 20, deadlineMinutes: 10 })
    await start({ clock, rounds: { rounds: 2, missed: 'skip' } })
    await expect.poll(() => records.round(first)?.state, { timeout: 10_000 }).toBe('done')
    now += 3 * HOUR
    await expect.poll(() => records.round(first + 3 * HOUR)?.state, { timeout: 10_000 }).toBe('done')
    expect(records.rounds(10).map(({ state }) => state)).toEqual(['done', 'skipped', 'skipped', 'done'])
    expect(records.round(first + HOUR)?.words).toMatch(/left out/)
    await running?.drain()
    // Positions were held through those hours: the ledger has them, and no decision.
    expect(timesOf('hour')).toEqual(hours(4))
    expect(events().flatMap((event) => (event.kind === 'round' ? [event.evaluated] : []))).toEqual([3, 0, 0, 3])
  })

  it('begins no round twice and loses none when the clock is set back and forth', async () => {
    await serve()
    let now = first + 30_000
    const clock = wallClock(() => now, { graceSeconds: 20, deadlineMinutes: 0 })
    await start({ clock, rounds: { rounds: 4 } })
    for (const [jump, newest] of [
      [0, 0],
      [HOUR, 1],
      [-HOUR, 1],
      [HOUR, 1],
      [HOUR, 2],
      [-2 * HOUR, 2],
      [3 * HOUR, 3],
    ]) {
      now += jump
      await expect.poll(() => records.round(first + newest * HOUR)?.state, { timeout: 10_000 }).toBe('done')
      await running!.planner.plan()
      expect(records.rounds(10)).toHaveLength(newest + 1)
    }
    await running?.drain()
    expect(timesOf('round')).toEqual(hours(4))
  })

  it('goes on without estimates when nobody makes them, degraded', async () => {
    await (await start({ rounds: { inferSeconds: 0.2 } })).over
    const [round] = records.rounds(1)
    expect(round).toMatchObject({ state: 'done', estimates: 0, model: 'none' })
    expect(round.degraded).toEqual(['degraded: 2 of 2 batches were not answered in time: are there workers?'])
    const decided = events().find((event) => event.kind === 'round')
    expect(decided).toMatchObject({ model: 'none', degraded: round.degraded, evaluated: 3 })
    expect(events().filter(({ kind }) => kind === 'intent')).toEqual([])
  })

  /** The market with some coins as they were hours ago. */
  const lagging = (lags: Readonly<Record<string, number>>): KnownBars | Promise<KnownBars> => {
    const lag = async (known: KnownBars): Promise<KnownBars> => {
      const bars = known.bars.map((series) => barsKnownAt(series, known.asOf - (lags[series.coin] ?? 0) * HOUR))
      return { ...known, bars, behind: Object.keys(lags) }
    }
    return markets.load(first).then(lag)
  }

  it('waits for late bars until they come', async () => {
    await serve()
    let looks = 0
    const late: RoundMarkets = {
      ...markets,
      load: async (asOf) => (++looks < 4 ? await lagging({ ETH: 1 }) : markets.load(asOf)),
      features: (series) => markets.features(series),
    }
    const clock = wallClock(() => first + 30_000, { graceSeconds: 20, deadlineMinutes: 10 })
    await start({ clock, markets: late })
    await expect.poll(() => records.round(first)?.state, { timeout: 10_000 }).toBe('done')
    expect(looks).toBe(4)
    expect(records.round(first)).toMatchObject({ degraded: [], estimates: 3 })
  })

  it('runs at the deadline with what is there: an hour old is estimated from, and what is stale is not', async () => {
    await serve()
    const late: RoundMarkets = { ...markets, load: async () => lagging({ ETH: 1, SOL: 5 }) }
    const tables = new Map<string, ReturnType<RoundMarkets['features']>>()
    const features: RoundMarkets['features'] = (series) => {
      const whole = markets.features(series)
      const rows = whole.asOf.filter((asOf) => asOf <= series.openTime[series.openTime.length - 1] + HOUR).length
      const width = whole.channels.length
      const table = {
        ...whole,
        asOf: whole.asOf.subarray(0, rows),
        values: whole.values.subarray(0, rows * width),
        sigma: whole.sigma.subarray(0, rows),
      }
      tables.set(series.coin, table)
      return table
    }
    const clock = wallClock(() => first + 11 * 60_000, { graceSeconds: 20, deadlineMinutes: 10 })
    await start({ clock, markets: { ...late, features } })
    await expect.poll(() => records.round(first)?.state, { timeout: 10_000 }).toBe('done')
    expect(records.round(first)?.degraded).toEqual([
      'degraded: ETH, SOL lack the bar that ended at the hour; it was waited for',
      'degraded: estimates of ETH are from an earlier hour: their bars are late',
      'degraded: no estimates for SOL: nothing newer than 2 hours is known of them',
    ])
    expect(records.estimates(first).map(({ coin, knownAt }) => [coin, (first - knownAt) / HOUR])).toEqual([
      ['BTC', 0],
      ['ETH', 1],
    ])
  })

  it('asks a source that fails again, and ends a round that has nothing to go on with', async () => {
    await serve()
    let asked = 0
    const failing: RoundMarkets = {
      ...markets,
      load: async (asOf) => {
        asked++
        if (asked === 1) throw new UnavailableError('the exchange is away')
        if (asOf === first + HOUR) throw new Error('a fault of ours')
        return markets.load(asOf)
      },
    }
    await start({ markets: failing, rounds: { rounds: 3 } })
    await expect.poll(() => records.round(first + 2 * HOUR)?.state, { timeout: 20_000 }).toBe('done')
    expect(records.round(first)?.state).toBe('done')
    const failed = records.round(first + HOUR)
    expect(failed).toMatchObject({ state: 'failed', words: expect.stringMatching(/^refresh: .*a fault of ours/) })
    await running?.drain()
    // The venue went on in that hour: positions have its funding, and nothing was decided.
    expect(timesOf('hour')).toEqual(hours(3))
    expect(events().flatMap((event) => (event.kind === 'round' ? [event.evaluated] : []))).toEqual([3, 0, 3])
  })

  it('trades no more on a ledger that was found broken', async () => {
    await serve()
    await (await start({ rounds: { rounds: 2 } })).over
    await running?.drain()
    const before = events()
    records.putNote(INTEGRITY_NOTE, JSON.stringify({ intact: false, words: 'event 1 is another', at: 0 }))
    await start({ rounds: { rounds: 1 } })
    await expect.poll(() => records.rounds(1)[0].state, { timeout: 10_000 }).toBe('failed')
    expect(records.rounds(1)[0].words).toMatch(
      /^settle: .*the ledger is in doubt, nothing is traded: event 1 is another/,
    )
    expect(events()).toEqual(before)
    // Regimes are told all the same.
    expect(records.estimates(first + 2 * HOUR)).toHaveLength(3)
  })

  it('finds at the next step that the ledger was changed behind its back', async () => {
    await serve()
    await (await start({ rounds: { rounds: 2 } })).over
    await running?.drain()
    trader.close()
    const database = new DatabaseSync(ledger)
    database.exec(`
      DROP TRIGGER events_are_not_changed;
      UPDATE events SET body = replace(body, '"amount":', '"amount":1') WHERE number = 1;
    `)
    database.close()
    await start({ rounds: { rounds: 1 } })
    await expect.poll(() => records.rounds(1)[0].state, { timeout: 10_000 }).toBe('failed')
    expect(records.rounds(1)[0].words).toMatch(/^scan: .*event 1 is not what was written/)
    expect(await queueOf(broker, 'round').getJobState(stepId(first + 2 * HOUR, 'settle'))).not.toBe('completed')
  })
}
