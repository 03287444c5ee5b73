import type { BrokerWorker, BrokerWorkerOptions } from '../broker.ts'
import type { TrainJob } from '../queues.ts'
import type { RetrainingDeps } from './deps.ts'
import type { RetrainingJob } from './flow.ts'
import { closeLost } from './lost.ts'
import { createRetrainingSteps } from './steps.ts'

/** The retrainings of this process. */
export interface RunningRetraining {
  readonly worker: BrokerWorker<unknown, unknown>
  /** Gives those an end that were lost: to be asked before the next one is begun. */
  closeLost(): Promise<void>
  /** Takes no more steps, and resolves when the one that runs has ended or was handed back. */
  drain(): Promise<void>
}

/** As for rounds: a home that is killed often is nothing the step did. */
const LOCKS = { lockDuration: 60_000, stalledInterval: 15_000, maxStalledCount: 10 }

/**
 * Takes the steps of retrainings in this process, one at a time, and gives those an end that were lost.
 *
 * @param options.locks for tests: times after which a killed process' step is given to its successor
 */
export async function startRetraining(
  options: RetrainingDeps & { readonly locks?: BrokerWorkerOptions },
): Promise<RunningRetraining> {
  const { broker, logger } = options
  const process = createRetrainingSteps(options)
  const queues = {
    retrain: broker.createQueue<RetrainingJob, unknown>('retrain'),
    train: broker.createQueue<TrainJob, unknown>('train'),
  }
  const lookForLost = () => closeLost(options, queues)
  const worker = broker.createWorker<unknown, unknown>(
    'retrain',
    (job, token, signal) => process(job as never, token, signal),
    { ...LOCKS, ...options.locks },
  )
  const close = () =>
    lookForLost().catch((error) =>
      logger.warn({ error: String(error) }, 'it cannot be told now whether a retraining was lost'),
    )
  // A step that failed has said so itself; one whose process was killed too often could not.
  worker.on('failed', close)
  worker.on('stalled', (job) => logger.warn({ job }, 'step taken over from a process that is gone'))
  await worker.waitUntilReady()
  await close()
  return {
    worker,
    closeLost: lookForLost,
    async drain() {
      worker.cancelAllJobs('the process stops')
      await worker.close()
    },
  }
}
