import { type Job, WaitingError } from 'bullmq'
import type { Logger } from 'pino'
import { openObjectStore, type StoreLocation } from '#models/store/open-store.ts'
import type { StoreKeys } from '#models/store/s3-store.ts'
import type { Broker, BrokerWorker, BrokerWorkerOptions } from './broker.ts'
import { describeError } from './failures.ts'
import type { InferJob, InferResult, QueueName, TrainJob } from './queues.ts'
import { sayFarewell } from './watch/farewell.ts'
import { createInferProcessor } from './workers/infer.ts'
import { type ModelSource, modelsFolder, openModelSource } from './workers/model-source.ts'
import type { ServingOpener } from './workers/open-serving.ts'
import { createTrainingPlace } from './workers/remote-training.ts'
import { CANCELLED, createTrainProcessor } from './workers/train.ts'

export interface ServeOptions {
  readonly broker: Broker
  readonly queues: readonly QueueName[]
  /** `infer` jobs at a time, default 1; trainings always run one at a time. */
  readonly concurrency?: number
  /** A registry on this machine, or in a folder that it shares; without it the store is followed. */
  readonly modelsDirectory?: string
  /** What other machines share: where models come from without a folder, and data and versions of trainings go through. */
  readonly store?: StoreLocation
  readonly storeKeys?: StoreKeys
  /** Milliseconds between two looks for a new champion in the store, default 5,000. */
  readonly followInterval?: number
  /** Holds caches of what comes from the store, default `var`. */
  readonly stateDirectory?: string
  /** Megabytes that the process of a training may have resident. */
  readonly trainMemoryMb?: number
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
  /** Says farewell when it is drained, so that whoever watches the fleet does not miss it; for workers that are to stay. */
  readonly farewell?: boolean
  /** Told of each BullMQ worker before it takes a job: for instruments. */
  readonly onWorker?: (worker: BrokerWorker<unknown, unknown>) => void
  readonly logger: Logger
}

/** The queues of one worker process. */
export interface ServedQueues {
  /** One line: what is served, from where. */
  readonly description: string
  /** One for each queue. */
  readonly workers: readonly { readonly name: string; isRunning(): boolean }[]
  /** Takes no more jobs and resolves when the running ones have ended, or were sent back after the limit. */
  drain(): Promise<void>
}

/** Milliseconds that running jobs have to end by default. */
export const DRAIN_LIMIT = 30_000
/** Short for `infer`, whose jobs take less than a second and are waited for; long for `train`. */
const INFER_LOCKS = { lockDuration: 15_000, stalledInterval: 5_000 }
const TRAIN_LOCKS = { lockDuration: 60_000, stalledInterval: 15_000 }
const STATE = 'var'
const TRAIN_MODULE = new URL('./workers/search-tasks.ts', import.meta.url).href
const SERVING_MODULE = new URL('./workers/open-serving.ts', import.meta.url).href

/**
 * Serves `queues` in this process until drained.
 *
 * @throws {UnavailableError} when the broker does not answer, or the store does not and nothing of it is cached
 * @throws {InputError} where there are no models to serve from
 */
export async function serveQueues(options: ServeOptions): Promise<ServedQueues> {
  const { broker, queues, concurrency = 1, stateDirectory = STATE, logger } = options
  const store = options.store && openObjectStore(options.store, { keys: options.storeKeys, now: Date.now })
  const directory = modelsFolder({ modelsDirectory: options.modelsDirectory, stateDirectory })
  const workers: BrokerWorker<unknown, unknown>[] = []
  const closers: (() => Promise<void>)[] = []
  const begin = (worker: BrokerWorker<never, never>) => {
    const begun = worker as unknown as BrokerWorker<unknown, unknown>
    report(begun, logger)
    options.onWorker?.(begun)
    workers.push(begun)
  }

  if (queues.includes('infer')) {
    const models = await openModelSource({
      ...options,
      store,
      stateDirectory,
      open: await loadOpener(options.servingModule ?? SERVING_MODULE),
      now: Date.now,
    })
    const { process, close } = createInference(options, models)
    const locks: BrokerWorkerOptions = {
      concurrency,
      lockDuration: options.lockDuration ?? INFER_LOCKS.lockDuration,
      stalledInterval: options.stalledInterval ?? INFER_LOCKS.stalledInterval,
    }
    begin(
      broker.createWorker<InferJob, InferResult>(
        'infer',
        (job, token, signal) => orHandBack(job, token, signal, () => process(job)),
        locks,
      ) as never,
    )
    closers.push(close)
  }
  if (queues.includes('train')) {
    const place = createTrainingPlace({ store, modelsDirectory: directory, stateDirectory })
    const process = createTrainProcessor({
      trainModule: options.trainModule ?? TRAIN_MODULE,
      place,
      memoryMb: options.trainMemoryMb,
      logger,
    })
    const queue = broker.createQueue<TrainJob, unknown>('train')
    begin(
      broker.createWorker<TrainJob, unknown>(
        'train',
        (job, token, signal) => {
          const refetch = async () => (await queue.getJob(job.id ?? ''))?.data
          const updateProgress = (progress: object) => job.updateProgress(progress)
          const handle = { id: job.id, data: job.data, updateProgress, refetch }
          return orHandBack(job, token, signal, () => process(handle, signal), 'once ended')
        },
        TRAIN_LOCKS,
      ) as never,
    )
  }
  await Promise.all(workers.map((worker) => worker.waitUntilReady()))

  return {
    description: `${queues.join(' and ')} from ${broker.name} ${broker.connection} (${broker.namespace}), ${concurrency} at a time, models in ${directory}${store ? ` and ${store.description}` : ''}`,
    workers,
    async drain() {
      const limit = setTimeout(() => {
        for (const worker of workers) worker.cancelAllJobs('the worker stops')
      }, options.drainLimit ?? DRAIN_LIMIT)
      const farewell = options.farewell
        ? sayFarewell(broker).catch((error) => logger.warn(describeError(error)))
        : undefined
      await Promise.all(workers.map((worker) => worker.close()))
      clearTimeout(limit)
      for (const close of closers) await close()
      await farewell
    },
  }
}

/** Inference from `models`, and how to end it. */
function createInference({ threads, maxAgeDays, logger }: ServeOptions, models: ModelSource) {
  const { directory: modelsDirectory, open, remarks } = models
  const processor = createInferProcessor({
    modelsDirectory,
    open,
    remarks,
    threads,
    maxAgeDays,
    now: Date.now,
    logger,
  })
  return {
    process: (job: { readonly data: unknown }) => processor.process(job),
    async close() {
      await models.close()
      await processor.close()
    },
  }
}

/**
 * Does `work`, unless the worker stops before it is done: then the job goes back to the queue, for another worker, and
 * this counts as no attempt.
 *
 * @param when `once ended`: `work` heeds the signal itself, and the job must not be with another while it still runs
 */
async function orHandBack<Result>(
  job: Job,
  token: string | undefined,
  signal: AbortSignal | undefined,
  work: () => Promise<Result>,
  when: 'at once' | 'once ended' = 'at once',
): Promise<Result> {
  const stopped = Promise.withResolvers<never>()
  const onAbort = () => stopped.reject(signal?.reason)
  if (when === 'at once') signal?.addEventListener('abort', onAbort, { once: true })
  const working = work()
  // What it comes to after the worker has stopped is for nobody.
  working.catch(() => {})
  try {
    return await Promise.race([working, stopped.promise])
  } catch (error) {
    if (!signal?.aborted) throw error
    await job.moveToWait(token)
    throw new WaitingError()
  } finally {
    signal?.removeEventListener('abort', onAbort)
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
