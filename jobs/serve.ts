import type { Logger } from 'pino'
import type { Broker, BrokerWorker, BrokerWorkerOptions } from './broker.ts'
import type { InferJob, InferResult, QueueName, TrainJob } from './queues.ts'
import { createInferProcessor } from './workers/infer.ts'
import type { ServingOpener } from './workers/open-serving.ts'
import { CANCELLED, createTrainProcessor } from './workers/train.ts'

export interface ServeOptions {
  readonly broker: Broker
  readonly queues: readonly QueueName[]
  /** `infer` jobs at a time, default 1; trainings always run one at a time. */
  readonly concurrency?: number
  readonly modelsDirectory: string
  /** Days after which a champion does not serve any more. */
  readonly maxAgeDays?: number
  /** Threads of the model runtime; default: its own choice. */
  readonly threads?: number
  /** Milliseconds that running jobs have to end when the worker is to stop, default 30,000. */
  readonly drainLimit?: number
  /** Times after which a lost worker's `infer` jobs are given to others, milliseconds. */
  readonly lockDuration?: number
  readonly stalledInterval?: number
  /** URLs of the modules that train and that open models, in place of our own. */
  readonly trainModule?: string
  readonly servingModule?: string
  readonly logger: Logger
}

/** The queues of one worker process. */
export interface ServedQueues {
  /** One line: what is served, from where. */
  readonly description: string
  /** Takes no more jobs and resolves when the running ones have ended, or were sent back after the limit. */
  drain(): Promise<void>
}

/** Milliseconds that running jobs have to end by default. */
export const DRAIN_LIMIT = 30_000
/** Short for `infer`, whose jobs take less than a second and are waited for; long for `train`. */
const INFER_LOCKS = { lockDuration: 15_000, stalledInterval: 5_000 }
const TRAIN_LOCKS = { lockDuration: 60_000, stalledInterval: 15_000 }
const TRAIN_MODULE = new URL('./workers/search-tasks.ts', import.meta.url).href
const SERVING_MODULE = new URL('./workers/open-serving.ts', import.meta.url).href

/**
 * Serves `queues` in this process until drained.
 *
 * @throws {UnavailableError} when the broker does not answer
 */
export async function serveQueues(options: ServeOptions): Promise<ServedQueues> {
  const { broker, queues, concurrency = 1, logger } = options
  const workers: BrokerWorker<unknown, unknown>[] = []
  const closers: (() => Promise<void>)[] = []

  if (queues.includes('infer')) {
    const processor = createInferProcessor({
      modelsDirectory: options.modelsDirectory,
      open: await loadOpener(options.servingModule ?? SERVING_MODULE),
      threads: options.threads,
      maxAgeDays: options.maxAgeDays,
      now: Date.now,
      logger,
    })
    const locks: BrokerWorkerOptions = {
      concurrency,
      lockDuration: options.lockDuration ?? INFER_LOCKS.lockDuration,
      stalledInterval: options.stalledInterval ?? INFER_LOCKS.stalledInterval,
    }
    workers.push(broker.createWorker<InferJob, InferResult>('infer', (job) => processor.process(job), locks) as never)
    closers.push(() => processor.close())
  }
  if (queues.includes('train')) {
    const process = createTrainProcessor({ trainModule: options.trainModule ?? TRAIN_MODULE, logger })
    const queue = broker.createQueue<TrainJob, unknown>('train')
    const worker = broker.createWorker<TrainJob, unknown>(
      'train',
      (job, _token, signal) => {
        const refetch = async () => (await queue.getJob(job.id ?? ''))?.data
        const updateProgress = (progress: object) => job.updateProgress(progress)
        return process({ id: job.id, data: job.data, updateProgress, refetch }, signal)
      },
      TRAIN_LOCKS,
    )
    workers.push(worker as never)
  }
  for (const worker of workers) report(worker, logger)
  await Promise.all(workers.map((worker) => worker.waitUntilReady()))

  return {
    description: `${queues.join(' and ')} from ${broker.name} ${broker.connection} (${broker.namespace}), ${concurrency} at a time, models in ${options.modelsDirectory}`,
    async drain() {
      const limit = setTimeout(() => {
        for (const worker of workers) worker.cancelAllJobs('the worker stops')
      }, options.drainLimit ?? DRAIN_LIMIT)
      await Promise.all(workers.map((worker) => worker.close()))
      clearTimeout(limit)
      for (const close of closers) await close()
    },
  }
}

async function loadOpener(module: string): Promise<ServingOpener> {
  const { openModels } = (await import(module)) as { openModels: ServingOpener }
  return openModels
}

function report(worker: BrokerWorker<unknown, unknown>, logger: Logger): void {
  const queue = worker.name
  worker.on('completed', (job) => logger.debug({ queue, job: job.id }, 'job done'))
  worker.on('failed', (job, error) =>
    // Whoever cancelled a training knows.
    logger[error.message.endsWith(CANCELLED) ? 'debug' : 'error'](
      { queue, job: job?.id, attempt: job?.attemptsMade, error: error.message },
      `job failed: ${error.message}`,
    ),
  )
  worker.on('stalled', (job) => logger.warn({ queue, job }, 'job taken over from a lost worker'))
}
