import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, onTestFinished } from 'vitest'
import { HOUR } from '#data/bars.ts'
import type { Feature } from '#data/features.ts'
import { type Broker, openBroker } from '#jobs/broker.ts'
import { startFleet } from '#jobs/fleet.ts'
import { inferRound } from '#jobs/infer-round.ts'
import { trainRound } from '#jobs/train-round.ts'
import { openRegistry } from '#models/registry.ts'
import { TrainingOptions } from '#training/options.ts'
import type { TrainingRequest, TrainingResult } from '#training/train.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { makeTable, START } from '../jobs/tables.ts'
import { NOW, workingVersion } from '../models/versions.ts'
import { judgeHome, readHome } from './harness/home.ts'
import { NO_REDIS, startOwnRedis } from './harness/redis-server.ts'
import { chaos, type RowNotes } from './harness/row.ts'
import { NO_DISK, openSmallDisk } from './harness/small-disk.ts'
import { openStage } from './harness/stage.ts'

/** What a version takes on the disk: a few files, each of whole pages. Less than that is left. */
const LEFT = { short: [0, 12_288], long: [0, 4_096, 8_192, 12_288, 16_384, 20_480] }

/** A real training, by a real worker, whose registry lies on a disk that is full. */
async function fullDiskForModels(row: RowNotes): Promise<void> {
  const left = row.pick(LEFT.short, LEFT.long)
  row.done(`training on a disk with ${left.join(', ')} bytes left, the champion on the same disk`)
  const disk = await openSmallDisk(2)
  onTestFinished(() => disk.close())
  const redis = await startOwnRedis()
  onTestFinished(() => redis.close())
  const state = await mkdtemp(join(tmpdir(), 'millrace-chaos-'))
  const models = join(disk.directory, 'models')
  const registry = openRegistry(models)
  const champion = await registry.save(workingVersion('hmm', 1))
  await registry.promote('hmm', champion.id, 'champion', 'the one before', NOW)
  const broker = await openBroker({ redisUrl: redis.url, stateDirectory: state, logger })
  const env = { MILLRACE_LOG_LEVEL: 'silent' }
  const fleet = await startFleet({
    broker,
    workers: 1,
    queues: ['infer', 'train'],
    modelsDirectory: models,
    logger,
    env,
  })
  onTestFinished(async () => {
    await fleet.close()
    await broker.close()
    await rm(state, { recursive: true, force: true })
  })

  const train = async (seed: number) => {
    const [outcome] = await trainRound<TrainingRequest, TrainingResult>({
      broker,
      requests: [smallTraining(models, state, seed)],
    })
    return outcome
  }
  for (const [n, bytes] of left.entries()) {
    await disk.fill(bytes)
    const outcome = await train(n)
    const words = outcome.ok ? 'it was saved' : `${outcome.error.name}: ${outcome.error.message}`
    row.promise('the error says what to do', /^FatalError: .*the disk is full: free some space/.test(words), words)
    row.promise(
      'no half-written version',
      (await readdir(join(models, 'hmm'))).length === 2,
      await readdir(join(models, 'hmm')),
    )
    row.promise('the champion stays', (await registry.resolve('hmm', 'champion')) === champion.id)
    const served = await servedBy(broker, n)
    row.promise('and serves', served === `hmm ${champion.id}`, served)
  }
  await disk.free()
  const after = await train(left.length)
  row.promise('with space again the next training is saved', after.ok, after.ok || after.error.message)
  row.figure('versions', (await registry.list('hmm')).length)
}

/** Hourly rounds whose state folder lies on a disk that fills up, and is freed again. */
async function fullDiskForLedger(row: RowNotes): Promise<void> {
  const rounds = row.pick(20, 600)
  const times = row.pick(3, 30)
  row.done(`disk of ledger and records full ${times} times during ${rounds} hourly rounds, until the home says so`)
  const disk = await openSmallDisk(24)
  onTestFinished(() => disk.close())
  const redis = await startOwnRedis()
  onTestFinished(() => redis.close())
  const stage = await openStage(redis.url)
  const { task, home } = await stage.play('state', rounds, disk.directory)
  const full = /disk is full: free some space/
  let [steps, filled] = [0, 0]
  let freeing = Promise.resolve()
  const words: string[] = []
  const fill = async () => {
    const said = home.nextLine(full)
    await disk.fill(0)
    const heard = await Promise.race([said, home.over.then(() => undefined)])
    if (heard !== undefined) words.push(heard)
    await disk.free()
  }
  home.onStep(() => {
    steps++
    // Another step of the ten each time; the last while there are still rounds enough to notice.
    if (filled >= times || steps < ((filled + 1) * 10 * rounds) / (times + 3) + (filled % 10)) return
    filled++
    freeing = freeing.then(fill)
  })
  await home.over
  await freeing
  row.promise('every time the error says what to do', words.length === times, words.length)
  const { rounds: records } = readHome(task.state)
  const failed = records.filter(({ state }) => state === 'failed')
  row.figure('failed rounds', failed.length)
  row.promise(
    'the records say which rounds failed, and of what',
    failed.every(({ words }) => full.test(words ?? '')),
    failed,
  )
  judgeHome(row, task, true)
}

function smallTraining(models: string, state: string, seed: number): TrainingRequest {
  return {
    kind: 'hmm',
    dataset: { source: { source: 'simulated', seed: 3, hours: 1_000, coins: ['BTC'] }, state },
    options: TrainingOptions.parse({ knots: 12, hmm: { states: [3], restarts: 1, iterations: 3 } }),
    seed,
    models,
  }
}

/** Which version answers a job of inference now. */
async function servedBy(broker: Broker, seed: number): Promise<string> {
  const { channels } = workingVersion('hmm', 1).content
  const table = makeTable('BTC', 80, seed, 3, channels as Feature[])
  const { servedBy, windows } = await inferRound({
    broker,
    tables: [table],
    asOf: { from: START + 60 * HOUR, to: START + 80 * HOUR },
  })
  return windows > 0 ? `${servedBy.kind} ${servedBy.id}` : 'nothing'
}

describe('a full disk', () => {
  chaos('disk full while a model is written', fullDiskForModels, NO_DISK ?? NO_REDIS)
  chaos('disk full while the ledger is written', fullDiskForLedger, NO_DISK ?? NO_REDIS)
})
