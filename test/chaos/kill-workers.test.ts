import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, onTestFinished } from 'vitest'
import { createRandom } from '#data/random.ts'
import { openBroker } from '#jobs/broker.ts'
import { channelOf } from '#jobs/channel.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { judgeRound, numberedRound, openEffects, SERVING_MODULE } from './harness/numbered-jobs.ts'
import { NO_REDIS, startOwnRedis } from './harness/redis-server.ts'
import { chaos, type RowNotes } from './harness/row.ts'
import { QUICK } from './harness/stage.ts'
import { superviseWorkers } from './harness/workers.ts'

/** Kills a random worker again and again while `jobs` are done; workers are started again as systemd would. */
async function killWorkers(row: RowNotes, redisUrl: string | undefined, jobs: number): Promise<void> {
  const count = row.pick(3, 4)
  const everyMs = row.pick(500, 2_000)
  const pause = row.pick(5, 30)
  row.done(`SIGKILL to one of ${count} workers every ${everyMs / 1000} s during ${jobs} jobs`)

  const state = await mkdtemp(join(tmpdir(), 'millrace-chaos-'))
  const effects = await openEffects()
  const broker = await openBroker({
    redisUrl,
    stateDirectory: state,
    namespace: `c${randomBytes(4).toString('hex')}`,
    logger,
  })
  const workers = superviseWorkers({
    count,
    args: [
      '--queues',
      'infer',
      '--models',
      state,
      '--serving-module',
      SERVING_MODULE,
      '--threads',
      '1',
      ...row.pick(QUICK, []),
    ],
    env: { ...broker.workerEnvironment(), CHAOS_EFFECTS: effects.directory, CHAOS_PAUSE: String(pause) },
  })
  onTestFinished(async () => {
    await workers.close()
    await broker.close()
    await effects.close()
    await rm(state, { recursive: true, force: true })
  })

  await workers.whenReady(count)
  const random = createRandom(11)
  let kills = 0
  const killing = setInterval(() => {
    if (workers.killOne(random) !== undefined) kills++
  }, everyMs)
  const round = await numberedRound(jobs, { broker }).finally(() => clearInterval(killing))

  row.figure('kills', kills)
  row.figure('taken over', workers.said(/taken over from a lost worker/))
  judgeRound(row, jobs, round, await effects.read())
  const left = await (await channelOf(broker, 'infer')).queue.getJobCounts('waiting', 'active', 'delayed', 'failed')
  row.promise(
    'nothing is left behind',
    Object.values(left).every((number) => number === 0),
    left,
  )
  row.promise('workers were killed', kills >= row.pick(3, 30), kills)
  row.promise('no worker ended by itself', workers.deaths.length === 0, workers.deaths[0])
}

describe('workers killed at random', () => {
  chaos(
    'workers killed, on Redis',
    async (row) => {
      const redis = await startOwnRedis()
      onTestFinished(() => redis.close())
      await killWorkers(row, redis.url, row.pick(600, 10_000))
    },
    NO_REDIS,
  )

  chaos('workers killed, on the embedded broker', (row) => killWorkers(row, undefined, row.pick(300, 10_000)))
})
