import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, onTestFinished } from 'vitest'
import { HOUR } from '#data/bars.ts'
import type { Feature } from '#data/features.ts'
import { SIMULATION_START } from '#data/providers/simulated.ts'
import { openBroker } from '#jobs/broker.ts'
import { inferRound } from '#jobs/infer-round.ts'
import type { RunSettings } from '#jobs/pipeline/settings.ts'
import { openRecords, recordsFile } from '#jobs/records.ts'
import { retrainOnce } from '#jobs/retraining/once.ts'
import { RetrainingOptions } from '#jobs/retraining/options.ts'
import { startRetraining } from '#jobs/retraining/run-retraining.ts'
import { openRegistry } from '#models/registry.ts'
import { TrainingOptions } from '#training/options.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { makeTable, START } from '../jobs/tables.ts'
import { workingVersion } from '../models/versions.ts'
import { NO_REDIS, startOwnRedis } from './harness/redis-server.ts'
import { chaos, type RowNotes } from './harness/row.ts'
import { openFolder } from './harness/stage.ts'
import { superviseWorkers } from './harness/workers.ts'

const TRAINER = new URL('./fixtures/faulty-trainer.ts', import.meta.url).href
const HOURS = 1_000
const MEMORY_MB = 400

/** How a training ends, and what the records must say of it. */
const FAULTS = [
  { fault: 'killed', words: /training process was killed by SIGKILL \(out of memory\?\)/ },
  { fault: 'memory', words: new RegExp(`out of memory: .*${MEMORY_MB} MB`) },
]

/** Daily retrainings, one after the other, each of which ends in another way; the last one is left alone. */
async function killTraining(row: RowNotes): Promise<void> {
  const times = row.pick(1, 5)
  row.done(`training killed, or out of its ${MEMORY_MB} MB, ${times} times each, then left alone`)
  const redis = await startOwnRedis()
  onTestFinished(() => redis.close())
  const state = await openFolder()
  const settings = smallSettings(state)
  const { models } = settings.paths
  const registry = openRegistry(models)
  const champion = await registry.save(workingVersion('hmm', 1))
  await registry.promote('hmm', champion.id, 'champion', 'the one before', Date.now())
  const broker = await openBroker({ redisUrl: redis.url, stateDirectory: state, logger })
  const records = openRecords(recordsFile(state))
  const workers = superviseWorkers({
    count: 1,
    args: [
      '--queues',
      'infer,train',
      '--models',
      models,
      '--train-module',
      TRAINER,
      '--train-memory-mb',
      String(MEMORY_MB),
      '--threads',
      '1',
    ],
    env: { ...broker.workerEnvironment(), MILLRACE_LOG_LEVEL: 'warn' },
  })
  const retraining = RetrainingOptions.parse({ kinds: ['hmm'] })
  const home = await startRetraining({ broker, settings, retraining, records, logger, now: Date.now })
  onTestFinished(async () => {
    await home.drain()
    await workers.close()
    await broker.close()
    records.close()
    await rm(state, { recursive: true, force: true })
  })

  const request = { asOf: SIMULATION_START + (HOURS - 50) * HOUR, kinds: ['hmm'] as 'hmm'[], seeds: [1] }
  let flows = 0
  const retrain = () => retrainOnce({ broker, records }, `daily-2026-11-${String(++flows).padStart(2, '0')}`, request)
  const served = async () => {
    const table = makeTable('BTC', 80, 1, 3, workingVersion('hmm', 1).content.channels as Feature[])
    const asOf = { from: START + 60 * HOUR, to: START + 80 * HOUR }
    const { servedBy, windows } = await inferRound({ broker, tables: [table], asOf })
    return windows > 0 ? servedBy.id : undefined
  }
  for (let n = 0; n < times * FAULTS.length; n++) {
    const { fault, words } = FAULTS[n % FAULTS.length]
    await writeFile(join(state, 'fault'), fault)
    const record = await retrain()
    row.promise(
      `${fault}: the retraining failed, and the records say of what`,
      record.ok === false && words.test(record.words),
      record,
    )
    row.promise(`${fault}: the champion stays`, (await registry.resolve('hmm', 'champion')) === champion.id)
    row.promise(`${fault}: and serves`, (await served()) === champion.id)
  }
  const before = (await registry.list('hmm')).length
  row.promise('nothing came of what was killed', before === 1, before)
  const next = await retrain()
  row.promise('the next retraining runs to its end', next.ok === true, next)
  row.promise('and has made a version', (await registry.list('hmm')).length === 2)
  row.promise('no worker was lost with its training', workers.deaths.length === 0, workers.deaths[0])
  if (row.scale === 'long') {
    // A training's lock lasts a minute: that is how long its worker is waited for.
    await writeFile(join(state, 'fault'), 'worker killed')
    const taken = await retrain()
    row.promise('a training whose worker is killed is done by another', taken.ok === true, taken)
  }
  row.figure('retrainings', flows)
}

function smallSettings(state: string): RunSettings {
  return {
    source: { source: 'simulated', seed: 3, hours: HOURS, coins: ['BTC'] },
    coins: ['BTC'],
    seed: 5,
    training: TrainingOptions.parse({
      threads: 1,
      knots: 8,
      hmm: { states: [3], restarts: 1, iterations: 4, knots: 8, rowsPerCoin: 400 },
    }),
    paths: { state, models: join(state, 'models'), reports: state },
  } as unknown as RunSettings
}

describe('a training that is killed', () => {
  chaos('training killed or out of memory', killTraining, NO_REDIS)
})
