import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pino } from 'pino'
import { HOUR } from '#data/bars.ts'
import { createAlerts } from '#jobs/alerts/alerts.ts'
import { AlertOptions } from '#jobs/alerts/options.ts'
import { alertTargets } from '#jobs/alerts/targets.ts'
import { brokerEnvironment, openBroker } from '#jobs/broker.ts'
import { sweepDeadLetters } from '#jobs/dead-letters/sweep.ts'
import { describeError } from '#jobs/failures.ts'
import { startFleet } from '#jobs/fleet.ts'
import { inferRound } from '#jobs/infer-round.ts'
import { redactLastWords } from '#jobs/last-words.ts'
import { openRecords, recordsFile } from '#jobs/records.ts'
import { LOG_HOOKS, readSecrets } from '#jobs/secrets.ts'
import { storeKeys } from '#jobs/store-keys.ts'
import { trainRound } from '#jobs/train-round.ts'
import { openObjectStore } from '#models/store/open-store.ts'
import { statusWith } from '../alerts/sample.ts'
import { makeTable, START } from '../tables.ts'
import { carelessError, everything } from './careless.ts'
import { dumpBroker } from './dump.ts'

// The home of a fleet in which everything fails, with words that hold every secret. What the broker then holds goes to
// `dump` in the state folder, as it is.

const [state] = process.argv.slice(2)
const now = Date.now
const module = new URL('./careless.ts', import.meta.url).href
const logger = pino({ name: 'home', level: 'debug', hooks: LOG_HOOKS }, pino.destination({ dest: 2, sync: true }))

// Nothing of it may outlive the test.
process.on('disconnect', () => process.exit(1))
redactLastWords()

const records = openRecords(recordsFile(state))
const broker = await openBroker({ ...brokerEnvironment(process.env), stateDirectory: state, logger })
const fleet = await startFleet({
  broker,
  workers: 1,
  queues: ['infer', 'train'],
  modelsDirectory: join(state, 'models'),
  servingModule: module,
  trainModule: module,
  env: { MILLRACE_LOG_LEVEL: 'debug' },
  logger,
})

/** Does what cannot succeed, and does with the error what a fleet does. */
async function fail(what: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
    logger.fatal(`${what} did not fail`)
    process.exit(1)
  } catch (error) {
    logger.error({ err: error }, `${what} failed: ${describeError(error)}`)
    const flow = `daily-${what}`
    records.putRetraining({
      flow,
      startedAt: now(),
      endedAt: now(),
      ok: false,
      words: describeError(error),
      promoted: [],
    })
  }
}

await fail('step', async () => {
  throw carelessError()
})
const tables = [makeTable('BTC', 20, 1)]
const asOf = { from: START, to: START + 1_000 * HOUR }
await fail('inference', () => inferRound({ broker, tables, asOf, minimumJobs: 1 }))
const { degradations } = await inferRound({ broker, tables, asOf, minimumJobs: 1, only: 'hmm' })
records.beginRound({ asOf: START, flow: 'hourly', startedAt: now(), late: false })
records.noteRound(START, { degraded: degradations, words: degradations.join() })

for (const fault of ['throw', 'uncaught']) {
  await fail(fault, async () => {
    const [outcome] = await trainRound({ broker, requests: [{ fault }] })
    if (!outcome.ok) throw outcome.error
  })
}

// A processor that lets through what it gets.
const worker = broker.createWorker('round', async () => {
  throw carelessError()
})
const failed = once(worker, 'failed')
await broker.createQueue('round').add('settle', {}, { attempts: 1 })
await failed
await sweepDeadLetters(broker, { logger, now: now() })

await fail('store', async () => {
  const location = { url: 's3://bucket/prefix', endpoint: process.env.FIXTURE_REFUSES }
  const store = openObjectStore(location, { keys: storeKeys(process.env), now })
  await store.put('index.json', new Uint8Array(1))
})
if (process.env.REDIS_URL) {
  const redisUrl = process.env.REDIS_URL.replace('@', '-and-wrong@')
  await fail('broker', () => openBroker({ redisUrl, stateDirectory: state, logger }))
}

const targets = alertTargets(readSecrets(process.env))
const alerts = createAlerts({ records, options: AlertOptions.parse({}), targets, now, logger, sleep: async () => {} })
const words = everything()
const down = statusWith({ at: now(), broker: { name: 'redis', reachable: false, words } })
alerts.evaluate(down)
alerts.evaluate(down)
await alerts.settled()
await alerts.close()

await writeFile(join(state, 'dump'), await dumpBroker(broker))
const { MILLRACE_POSTGRES_URL: embedded } = broker.workerEnvironment()
process.send?.({ password: embedded ? new URL(embedded).password : '' })
logger.info(`all of it failed, with ${words}`)
records.close()
await fleet.close()
await broker.close()
process.exit(0)
