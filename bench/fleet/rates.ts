import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { JobsOptions } from 'bullmq'
import { HOUR, type TimeRange } from '#data/bars.ts'
import { FEATURES, type FeatureTable } from '#data/features.ts'
import { createRandom } from '#data/random.ts'
import type { Broker } from '#jobs/broker.ts'
import { channelOf } from '#jobs/channel.ts'
import { startFleet } from '#jobs/fleet.ts'
import { type InferRoundResult, inferRound } from '#jobs/infer-round.ts'
import { logger } from './brokers.ts'
import { KNOTS } from './champion.ts'

/** Worker processes, and jobs at a time in each: the same for empty jobs and for inference. */
export interface Crew {
  readonly workers: number
  readonly concurrency: number
}

const PROGRAM = fileURLToPath(new URL('./idle-worker.ts', import.meta.url))
/** Jobs handed to the broker at a time, as many as a round hands over. */
const CHUNK = 50
/** Between two looks whether all is done, milliseconds. */
const LOOK = 50

/** Runs jobs that do nothing, with BullMQ's own means only. */
export interface IdleQueue {
  /** @returns seconds from the first job added until the last one is known to be done */
  run(jobs: readonly { readonly data: object; readonly opts?: JobsOptions }[]): Promise<number>
  close(): Promise<void>
}

/** Starts the workers of jobs that do nothing but answer with `answer`. */
export async function openIdleQueue(
  broker: Broker,
  name: string,
  answer: unknown,
  { workers, concurrency }: Crew,
): Promise<IdleQueue> {
  const queue = broker.createQueue<object, unknown>(name)
  const events = await broker.createQueueEvents(name)
  const children: ChildProcess[] = Array.from({ length: workers }, () =>
    fork(PROGRAM, [name, String(concurrency), JSON.stringify(answer)], {
      execArgv: [],
      env: { ...process.env, ...broker.workerEnvironment() },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    }),
  )
  await Promise.all(children.map((child) => once(child, 'message')))
  return {
    async run(jobs) {
      let left = jobs.length
      const { promise, resolve } = Promise.withResolvers<void>()
      const count = () => {
        if (--left === 0) resolve()
      }
      // BullMQ's events are not certain to come: on PostgreSQL a few in a thousand are passed over.
      const looking = setInterval(async () => {
        if ((await queue.getCompletedCount()) === jobs.length) resolve()
      }, LOOK)
      events.on('completed', count)
      const started = performance.now()
      for (let i = 0; i < jobs.length; i += CHUNK) {
        await queue.addBulk(jobs.slice(i, i + CHUNK).map((job) => ({ name, ...job })))
      }
      await promise
      const seconds = (performance.now() - started) / 1000
      events.off('completed', count)
      clearInterval(looking)
      await queue.clean(0, jobs.length, 'completed')
      return seconds
    },
    async close() {
      for (const child of children) child.disconnect()
      await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')))
    },
  }
}

/** A fleet of real workers with the champion in `modelsDirectory`. */
export function openInference(broker: Broker, crew: Crew, modelsDirectory: string) {
  return startFleet({ broker, ...crew, queues: ['infer'], modelsDirectory, threads: 1, logger })
}

/** How `rows` estimates of each table are cut into jobs. */
export interface Cut {
  readonly rowsPerJob: number
  readonly batchCoins: number
}

/** One round of inference of the last `rows` rows of each table. */
export async function inferTables(
  broker: Broker,
  tables: readonly FeatureTable[],
  rows: number,
  cut: Cut,
): Promise<InferRoundResult> {
  const round = await inferRound({ broker, tables, asOf: rangeOf(tables, rows), history: KNOTS - 1, ...cut })
  if (round.failures.length > 0) throw round.failures[0].error
  if (round.windows !== rows * tables.length) throw new Error(`${round.windows} of ${rows * tables.length} windows`)
  // The next round is to find the queue as this one did.
  const { queue } = await channelOf(broker, 'infer')
  await queue.clean(0, round.jobs, 'completed')
  return round
}

/** The last `rows` hours of the tables. */
export function rangeOf([{ asOf }]: readonly FeatureTable[], rows: number): TimeRange {
  const to = asOf[asOf.length - 1] + HOUR
  return { from: to - rows * HOUR, to }
}

/** Complete tables with standard normal features, each with `rows` hours at which a window can end. */
export function normalTables(coins: number, rows: number): FeatureTable[] {
  const random = createRandom(6)
  const hours = rows + KNOTS - 1
  return Array.from({ length: coins }, (_, coin) => ({
    coin: `C${coin}`,
    channels: FEATURES,
    asOf: Float64Array.from({ length: hours }, (_, row) => row * HOUR),
    values: Float32Array.from({ length: hours * FEATURES.length }, () => random.normal()),
    sigma: new Float64Array(hours).fill(0.01),
  }))
}
