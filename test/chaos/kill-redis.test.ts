import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, onTestFinished } from 'vitest'
import { openBroker } from '#jobs/broker.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { judgeRound, numberedRound, openEffects, SERVING_MODULE } from './harness/numbered-jobs.ts'
import { NO_REDIS, type OwnRedis, startOwnRedis } from './harness/redis-server.ts'
import { chaos, type RowNotes } from './harness/row.ts'
import { superviseWorkers } from './harness/workers.ts'

/**
 * Kills Redis again and again during a round of inference.
 *
 * @param losing milliseconds of its append-only file that a kill costs, as a loss of power would
 */
async function killRedis(row: RowNotes, redis: OwnRedis, losing: number): Promise<void> {
  const jobs = row.pick(500, 8_000)
  const kills = row.pick(2, 20)
  const awayMs = row.pick(300, 3_000)
  const loss = losing > 0 ? `, up to ${losing / 1000} s of its file lost` : ''
  row.done(`SIGKILL to Redis ${kills} times during ${jobs} jobs, ${awayMs / 1000} s away each time${loss}`)

  const state = await mkdtemp(join(tmpdir(), 'millrace-chaos-'))
  const effects = await openEffects()
  const broker = await openBroker({ redisUrl: redis.url, stateDirectory: state, logger })
  const workers = superviseWorkers({
    count: 2,
    args: [
      '--queues',
      'infer',
      '--models',
      state,
      '--serving-module',
      SERVING_MODULE,
      '--threads',
      '1',
      ...row.pick(SHORT, []),
    ],
    env: { ...broker.workerEnvironment(), CHAOS_EFFECTS: effects.directory, CHAOS_PAUSE: String(row.pick(4, 16)) },
  })
  onTestFinished(async () => {
    await workers.close()
    await broker.close()
    await effects.close()
    await rm(state, { recursive: true, force: true })
  })
  await workers.whenReady(2)

  let killed = 0
  let lost = 0
  let killing = Promise.resolve()
  const again = async () => {
    killed++
    // Where much is lost the jobs are gone, where little is lost some that were done wait again: both in turn.
    lost += await redis.kill(killed % 2 === 0 ? losing / 5 : losing)
    await delay(awayMs)
    await redis.start()
  }
  const round = await numberedRound(jobs, {
    broker,
    progress: ({ done }) => {
      if (killed < kills && done >= ((killed + 1) * jobs) / (kills + 1)) killing = killing.then(again)
    },
  })
  await killing

  row.figure('kills', killed)
  if (losing > 0) row.figure('bytes lost', lost)
  judgeRound(row, jobs, round, await effects.read())
  row.promise('Redis was killed in mid-round', killed === kills, killed)
  row.promise('something was lost', losing === 0 || lost > 0)
  row.promise('workers and round recover by themselves', workers.deaths.length === 0, workers.deaths[0])
}

const SHORT = ['--lock-duration', '1000', '--stalled-interval', '300']

describe('Redis killed and started again in mid-round', () => {
  for (const losing of [0, 1_000]) {
    chaos(
      losing === 0 ? 'Redis killed in a round of inference' : 'Redis loses power in a round of inference',
      async (row) => {
        const redis = await startOwnRedis()
        onTestFinished(() => redis.close())
        await killRedis(row, redis, losing)
      },
      NO_REDIS,
    )
  }
})
