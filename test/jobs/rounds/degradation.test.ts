import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { InForce } from '#cli/config.ts'
import { fleetProbe } from '#cli/doctor/fleet.ts'
import { HOUR } from '#data/bars.ts'
import { type Broker, openBroker } from '#jobs/broker.ts'
import { queueOf } from '#jobs/queue-of.ts'
import { type FleetRecords, openRecords, recordsFile } from '#jobs/records.ts'
import { replayClock } from '#jobs/rounds/clock.ts'
import { stepId } from '#jobs/rounds/flow.ts'
import { localMarkets } from '#jobs/rounds/markets.ts'
import { RoundOptions } from '#jobs/rounds/options.ts'
import { startRounds } from '#jobs/rounds/run-rounds.ts'
import { createTraderKeeper } from '#jobs/rounds/trader.ts'
import { type ServedQueues, serveQueues } from '#jobs/serve.ts'
import { createBrokerLook, openFleetQueues } from '#jobs/watch/broker-look.ts'
import { createStatusCollector } from '#jobs/watch/collect.ts'
import { createFleetMetrics } from '#jobs/watch/metrics.ts'
import { createRoster } from '#jobs/watch/roster.ts'
import { openRegistry } from '#models/registry.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { WheelOptions } from '#src/options.ts'
import { train } from '#training/train.ts'
import { NOW, REQUEST, TINY } from '../../training/simulated.ts'
import { silentLogger as logger } from '../silent-logger.ts'

/** Design section 9, from the registry's files to what everybody is shown. */
describe('the ladder from CDE over HMM to no estimates', () => {
  const state = mkdtempSync(join(tmpdir(), 'millrace-ladder-'))
  const models = join(state, 'models')
  const ledger = join(state, 'ledger.sqlite')
  const wheel = WheelOptions.parse({
    requireEdge: false,
    kalmanFunding: { entryZ: 0.3 },
    validation: { enabled: false },
    hazard: { maxSignFlip: 1 },
    fusion: { minConviction: 0 },
  })
  let broker: Broker
  let records: FleetRecords
  let served: ServedQueues
  let markets: Awaited<ReturnType<typeof localMarkets>>
  const ids: Record<string, string> = {}

  beforeAll(async () => {
    const context = { now: () => NOW, progress: () => {}, logger }
    for (const kind of ['cde', 'hmm'] as const) {
      ids[kind] = (await train({ kind, dataset: REQUEST, options: TINY, seed: 1, models }, context)).id
      await openRegistry(models).promote(kind, ids[kind], 'champion', 'test', NOW)
    }
    broker = await openBroker({ stateDirectory: state, logger })
    records = openRecords(recordsFile(state))
    served = await serveQueues({ broker, queues: ['infer'], modelsDirectory: models, threads: 1, logger })
    const coins = ['BTC', 'PEPE']
    markets = await localMarkets({ source: REQUEST.source, coins, state }, () => NOW)
  }, 60_000)
  afterAll(async () => {
    await served?.drain()
    records?.close()
    await broker?.close()
    rmSync(state, { recursive: true, force: true })
  })

  /** One more round, and everything that tells how it went. */
  const nextRound = async () => {
    const trader = createTraderKeeper(ledger, wheel)
    const from = records.rounds(1)[0]?.asOf ?? markets.range.to - 20 * HOUR
    const running = await startRounds({
      broker,
      records,
      clock: replayClock(Date.now, { from, to: markets.range.to }, 0),
      markets,
      trader,
      models,
      rounds: RoundOptions.parse({ pace: 0, rounds: 1 }),
      wheel,
      integrityHours: 24,
      look: 50,
      logger,
    })
    await running.over
    await running.drain()
    trader.close()
    const [round] = records.rounds(1)
    const job = await queueOf(broker, 'round').getJob(stepId(round.asOf, 'infer'))
    const status = await createStatusCollector({
      brokerName: broker.name,
      look: createBrokerLook(broker, openFleetQueues(broker), Date.now),
      records,
      ledger: async () => undefined,
      roster: createRoster(records, Date.now),
      due: () => 0,
      now: Date.now,
    })()
    const metrics = createFleetMetrics(0)
    metrics.update(status, records)
    const store = openSqliteLedger(ledger, { readOnly: true })
    const decided = [...store.events()].filter((event) => event.kind === 'round').at(-1)
    const opened = [...store.events()].filter(({ kind, time }) => kind === 'intent' && time === round.asOf)
    store.close()
    return {
      round,
      result: job?.returnvalue,
      serving: status.serving,
      metrics: await metrics.registry.metrics(),
      doctor: await fleetProbe({ state } as InForce).look(),
      decided,
      opened,
    }
  }
  const states = (text: string) =>
    Object.fromEntries(
      [...text.matchAll(/^millrace_serving_state\{state="(\w+)"\} (\d)$/gm)].map(([, name, value]) => [
        name,
        Number(value),
      ]),
    )

  it('healthy: the champion CDE serves', async () => {
    const { round, result, serving, metrics, doctor, decided } = await nextRound()
    const model = `cde ${ids.cde}`
    expect(round).toMatchObject({ model, degraded: [], estimates: 2 })
    expect(result).toMatchObject({ model })
    expect(serving).toMatchObject({ state: 'healthy', model })
    expect(states(metrics)).toEqual({ healthy: 1, fallback: 0, none: 0 })
    expect(metrics).toMatch(/^millrace_degraded 0$/m)
    expect(doctor).toMatchObject({ finding: 'ok', text: expect.stringContaining(`healthy, ${model} served`) })
    expect(decided).toMatchObject({ model, degraded: [] })
  })

  it('a CDE that was changed on disk: the champion HMM serves, and everybody is told', async () => {
    await writeFile(join(models, 'cde', ids.cde, 'model.onnx'), 'somebody was here')
    // A worker opens models anew when the store changes, or after ten minutes.
    await openRegistry(models).promote('hmm', ids.hmm, 'champion', 'looked at', NOW + 1)
    const { round, result, serving, metrics, doctor, decided } = await nextRound()
    const model = `hmm ${ids.hmm}`
    const words = expect.stringMatching(
      /^degraded: the champion CDE is unusable, the champion HMM serves instead: .*model\.onnx/,
    )
    expect(round).toMatchObject({ model, degraded: [words], estimates: 2 })
    expect(result).toMatchObject({ model })
    expect(serving).toMatchObject({ state: 'fallback', model })
    expect(states(metrics)).toEqual({ healthy: 0, fallback: 1, none: 0 })
    expect(metrics).toMatch(/^millrace_degraded 1$/m)
    expect(doctor).toMatchObject({ finding: 'note', text: expect.stringContaining('the champion HMM serves instead') })
    expect(decided).toMatchObject({ model, degraded: [words] })
  })

  it('no HMM either: no estimates, and nothing is opened', async () => {
    rmSync(join(models, 'hmm', ids.hmm), { recursive: true })
    const { round, result, serving, metrics, doctor, decided, opened } = await nextRound()
    expect(round).toMatchObject({ state: 'done', model: 'none', estimates: 0 })
    expect(round.degraded).toContainEqual(expect.stringMatching(/the champion HMM is unusable, there are no estimates/))
    expect(result).toMatchObject({ model: 'none', estimates: 0 })
    expect(serving).toMatchObject({ state: 'none', model: 'none' })
    expect(states(metrics)).toEqual({ healthy: 0, fallback: 0, none: 1 })
    expect(doctor).toMatchObject({ finding: 'note', text: expect.stringContaining('no estimates') })
    expect(decided).toMatchObject({ model: 'none', evaluated: 2 })
    expect(opened).toEqual([])
  })
})
