import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, onTestFinished } from 'vitest'
import { createRandom } from '#data/random.ts'
import { openBroker } from '#jobs/broker.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { type HomeProcess, type HomeTask, judgeHome, readHome, startHome } from './harness/home.ts'
import { NO_REDIS, startOwnRedis } from './harness/redis-server.ts'
import { chaos, type RowNotes } from './harness/row.ts'
import { superviseWorkers } from './harness/workers.ts'

const SERVING_MODULE = new URL('../jobs/fixtures/serving.ts', import.meta.url).href

/** Kills the home process at random instants of its rounds, and holds its ledger against that of one which was left alone. */
async function killHome(row: RowNotes, redisUrl: string): Promise<void> {
  const rounds = row.pick(20, 1_500)
  const kills = row.pick(4, 200)
  row.done(`SIGKILL to the home process ${kills} times at random instants of ${rounds} hourly rounds`)
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'))
  const models = join(folder, 'models')
  await mkdir(join(models, 'cde'), { recursive: true })
  await writeFile(join(models, 'cde', 'champion'), 'cde-1')
  const broker = await openBroker({ redisUrl, stateDirectory: folder, logger })
  const env = broker.workerEnvironment()
  const workers = superviseWorkers({
    count: 1,
    args: ['--queues', 'infer', '--models', models, '--serving-module', SERVING_MODULE, '--threads', '1'],
    env,
  })
  let home: HomeProcess | undefined
  onTestFinished(async () => {
    await home?.close()
    await workers.close()
    await broker.close()
    await rm(folder, { recursive: true, force: true })
  })
  const taskIn = (name: string): HomeTask => {
    const state = join(folder, name)
    return { state, coins: ['BTC', 'ETH', 'SOL', 'DOGE', 'AVAX'], before: 500, rounds }
  }
  const start = async (task: HomeTask) => {
    await mkdir(task.state)
    home = startHome(task, env)
    return home
  }

  const killed = taskIn('killed')
  const count = await killAtRandom(await start(killed), kills)
  row.figure('kills', count)
  row.promise('it was killed in mid-round', count >= kills / 2, count)
  judgeHome(row, killed)

  await home?.close()
  for (const name of ['round', 'infer']) await broker.createQueue(name).obliterate({ force: true })
  const alone = taskIn('alone')
  await (await start(alone)).over
  const [found, expected] = [readHome(killed.state).events, readHome(alone.state).events]
  const differs = expected.findIndex((event, n) => JSON.stringify(event) !== JSON.stringify(found[n]))
  row.promise('the ledger is that of a home left alone', differs === -1 && found.length === expected.length, [
    found[differs],
    expected[differs],
  ])
}

/** @returns how often it was killed before its rounds were over */
async function killAtRandom(home: HomeProcess, kills: number): Promise<number> {
  const random = createRandom(5)
  let over = false
  const ended = home.over.then(() => {
    over = true
  })
  for (let killed = 0; killed < kills; killed++) {
    await home.ready()
    await Promise.race([delay(10 + 400 * random.uniform()), ended])
    if (over) return killed
    await home.kill()
  }
  await ended
  return kills
}

describe('the home process killed in mid-round', () => {
  chaos(
    'home process killed',
    async (row) => {
      const redis = await startOwnRedis()
      onTestFinished(() => redis.close())
      await killHome(row, redis.url)
    },
    NO_REDIS,
  )
})
