import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, onTestFinished } from 'vitest'
import { openBroker } from '#jobs/broker.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { NO_NAMESPACE, openNamespace } from './harness/namespace.ts'
import { judgeRound, numberedRound, openEffects, SERVING_MODULE } from './harness/numbered-jobs.ts'
import { NO_REDIS, startOwnRedis } from './harness/redis-server.ts'
import { chaos, type RowNotes } from './harness/row.ts'
import { QUICK } from './harness/stage.ts'
import { superviseWorkers } from './harness/workers.ts'

/** Most connections that one worker may open a second while it cannot reach Redis: it has two or three. */
const STORM = 3

/** Cuts the network between two workers and Redis in mid-round, and once more while they are idle. */
async function cutNetwork(row: RowNotes): Promise<void> {
  const jobs = row.pick(300, 4_000)
  const cutMs = row.pick(4_000, 60_000)
  // What TCP may still wait for after a minute of silence, and what a worker has to open its connections again.
  const recoverMs = row.pick(4_000, 30_000)
  const count = 2
  row.done(
    `network of ${count} workers cut for ${cutMs / 1000} s in mid-round of ${jobs} jobs, and once more when idle`,
  )

  const namespace = await openNamespace()
  onTestFinished(() => namespace.close())
  const redis = await startOwnRedis(['127.0.0.1', namespace.host])
  onTestFinished(() => redis.close())
  const state = await mkdtemp(join(tmpdir(), 'millrace-chaos-'))
  const effects = await openEffects()
  const broker = await openBroker({ redisUrl: redis.url, stateDirectory: state, logger })
  const workers = superviseWorkers({
    count,
    wrapper: namespace.wrapper,
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
    env: {
      ...broker.workerEnvironment(),
      REDIS_URL: `redis://${namespace.host}:${redis.port}`,
      CHAOS_EFFECTS: effects.directory,
      CHAOS_PAUSE: String(row.pick(4, 20)),
    },
  })
  onTestFinished(async () => {
    await workers.close()
    await broker.close()
    await effects.close()
    await rm(state, { recursive: true, force: true })
  })
  await workers.whenReady(count)

  let doneWhenMended = 0
  let lastDone = 0
  let mendedAt = 0
  let resumedAt = 0
  let attempts = 0
  const cut = async (cutMs: number) => {
    const before = await namespace.connects()
    namespace.cut()
    await delay(cutMs)
    attempts = (await namespace.connects()) - before
    doneWhenMended = lastDone
    mendedAt = performance.now()
    namespace.mend()
  }
  let cutting: Promise<void> | undefined
  const round = await numberedRound(jobs, {
    broker,
    progress: ({ done }) => {
      lastDone = done
      if (done >= jobs / 3) cutting ??= cut(cutMs)
      if (mendedAt > 0) resumedAt ||= performance.now()
    },
  })
  await cutting
  const recovered = resumedAt - mendedAt
  row.figure('left when mended', jobs - doneWhenMended)
  row.figure('recovered after ms', Math.round(recovered))
  row.figure('attempts to connect', attempts)
  judgeRound(row, jobs, round, await effects.read())
  row.promise('work was left when the network came back', doneWhenMended > 0 && doneWhenMended < jobs, doneWhenMended)
  row.promise(`workers are back within ${recoverMs / 1000} s`, recovered < recoverMs, recovered)
  const storm = (STORM * count * cutMs) / 1000
  row.promise('no storm of attempts to connect', attempts <= storm, attempts)

  await cut(row.pick(1_000, cutMs))
  const idle = performance.now()
  const next = await numberedRound(20, { broker, round: 'after a cut while idle' })
  row.figure('recovered from idle after ms', Math.round(performance.now() - idle))
  row.promise('workers that were idle are back', next.failures.length === 0 && next.windows === 20, next.windows)
  row.promise('and in time', performance.now() - idle < recoverMs, performance.now() - idle)
  row.promise('no worker ended', workers.deaths.length === 0, workers.deaths[0])
}

describe('the network to Redis cut', () => {
  chaos('network to Redis cut', cutNetwork, NO_NAMESPACE ?? NO_REDIS)
})
