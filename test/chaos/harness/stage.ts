import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Broker, openBroker } from '#jobs/broker.ts'
import { silentLogger as logger } from '../../jobs/silent-logger.ts'
import { type HomeProcess, type HomeTask, startHome } from './home.ts'
import { type SupervisedWorkers, superviseWorkers } from './workers.ts'

const SERVING_MODULE = new URL('../../jobs/fixtures/serving.ts', import.meta.url).href

/** A broker, workers for inference, and home processes that come one after the other. All ends with the test. */
export interface Stage {
  readonly folder: string
  readonly broker: Broker
  readonly workers: SupervisedWorkers
  /**
   * Starts the home that plays `rounds` in a state folder of this name; the one before it is ended, its jobs forgotten.
   *
   * @param within where the state folder is to be, default `folder`
   */
  play(name: string, rounds: number, within?: string): Promise<{ readonly task: HomeTask; readonly home: HomeProcess }>
}

/**
 * @param redisUrl without it an embedded server, kept up whatever happens to it
 */
export async function openStage(redisUrl: string | undefined): Promise<Stage> {
  const folder = await openFolder()
  const models = join(folder, 'models')
  await mkdir(join(models, 'cde'), { recursive: true })
  await writeFile(join(models, 'cde', 'champion'), 'cde-1')
  const broker = await openBroker({ redisUrl, stateDirectory: folder, keep: true, logger })
  const env = broker.workerEnvironment()
  const workers = superviseWorkers({
    count: 1,
    args: ['--queues', 'infer', '--models', models, '--serving-module', SERVING_MODULE, '--threads', '1', ...QUICK],
    env,
  })
  let home: HomeProcess | undefined
  onTestFinished(async () => {
    await home?.close()
    await workers.close()
    await broker.close()
    await rm(folder, { recursive: true, force: true })
  })
  await workers.whenReady(1)

  return {
    folder,
    broker,
    workers,
    async play(name, rounds, within = folder) {
      await home?.close()
      for (const queue of ['round', 'infer']) await broker.createQueue(queue).obliterate({ force: true })
      const state = join(within, name)
      await mkdir(state)
      const task: HomeTask = { state, coins: ['BTC', 'ETH', 'SOL', 'DOGE', 'AVAX'], before: 500, rounds }
      home = startHome(task, env)
      return { task, home }
    },
  }
}

/** A folder for state that everybody may look into: PostgreSQL runs under an account of its own. */
export async function openFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'))
  await chmod(folder, 0o755)
  return folder
}

/** Seconds instead of half a minute until a lost worker's job is another's. */
export const QUICK = ['--lock-duration', '1000', '--stalled-interval', '300']
