import { type Job, WaitingChildrenError, WaitingError } from 'bullmq'
import { MillraceError } from '#data/errors.ts'
import { describeError, toJobFailure } from '../failures.ts'
import type { TrainJob } from '../queues.ts'
import { datasetStep } from './dataset-step.ts'
import type { RetrainingDeps } from './deps.ts'
import { evaluateStep } from './evaluate-step.ts'
import { exportStep } from './export-step.ts'
import { type RetrainingJob, type RetrainingStep, readRetrainingJob } from './flow.ts'
import { closeLost } from './lost.ts'
import { openProgress, type RetrainingProgress, type StepResults } from './progress.ts'
import { promoteStep } from './promote-step.ts'
import { refreshStep } from './refresh.ts'
import { trainStep } from './train-step.ts'

/**
 * The processor of the queue `retrain`: takes the steps of retrainings, in the process that has the state folder, one at
 * a time. A step that is taken again after it had ended changes nothing; one that was cut short finds what it had done.
 *
 * How a retraining goes and ends is in the records, so that what has failed is seen, also by those who lost the job.
 *
 * @throws an `UnrecoverableError` for all but what another try may mend (see `failures.ts`)
 */
export function createRetrainingSteps(deps: RetrainingDeps) {
  const trainQueue = deps.broker.createQueue<TrainJob, unknown>('train')
  const retrainQueue = deps.broker.createQueue<RetrainingJob, unknown>('retrain')

  const take = async (
    step: RetrainingStep,
    job: Job,
    token: string,
    request: RetrainingJob,
    progress: RetrainingProgress,
    signal?: AbortSignal,
  ): Promise<StepResults[RetrainingStep]> => {
    const { needed } = progress
    switch (step) {
      case 'refresh':
        await closeLost(deps, { retrain: retrainQueue, train: trainQueue }, request.flow)
        return refreshStep(deps, request.asOf, isLastTry(job), signal)
      case 'dataset':
        return datasetStep(deps, needed('refresh'), signal)
      case 'train':
        return trainStep(deps, trainQueue, job, token, request, progress, signal)
      case 'evaluate': {
        const at = progress.since('judging')
        return evaluateStep(deps, job.id!, needed('refresh'), needed('train'), at, signal)
      }
      case 'export':
        return exportStep(deps, needed('train'), needed('evaluate'), signal)
      case 'promote':
        return promoteStep(deps, request, progress, signal)
    }
  }

  return async (job: Job, token?: string, signal?: AbortSignal): Promise<unknown> => {
    try {
      const { step, request } = readRetrainingJob(job.name, job.data)
      const { flow } = request
      const progress = openProgress(deps.records, flow, deps.now)
      const before = progress.result(step)
      if (before !== undefined) {
        if (step === 'promote') end(deps, flow, progress)
        return before
      }
      const running = `${step} is under way`
      deps.records.putRetraining({
        flow,
        startedAt: progress.startedAt,
        endedAt: null,
        ok: null,
        words: running,
        promoted: [],
      })
      try {
        const result = await take(step, job, token!, request, progress, signal)
        progress.keep(step, result)
        deps.logger.info({ flow, step, job: job.id }, `${flow}: ${step} done`)
        if (step === 'promote') end(deps, flow, progress)
        return result
      } catch (error) {
        if (error instanceof WaitingChildrenError) throw error
        if (signal?.aborted) {
          // This process stops: the step is not to blame, and is taken again by the next one.
          await job.moveToWait(token)
          throw new WaitingError()
        }
        const retried = error instanceof MillraceError && error.action === 'retry' && !isLastTry(job)
        const words = `${step} failed: ${describeError(error)}`
        deps.logger[retried ? 'warn' : 'error']({ flow, step, job: job.id }, `${flow}: ${words}`)
        if (!retried) recordFailure(deps, flow, progress.startedAt, words)
        throw error
      }
    } catch (error) {
      if (error instanceof WaitingChildrenError || error instanceof WaitingError) throw error
      throw toJobFailure(error)
    }
  }
}

/** True where no other try will follow. */
function isLastTry({ attemptsMade, opts }: Job): boolean {
  return attemptsMade + 1 >= (opts.attempts ?? 1)
}

/** Writes down what came of a retraining that has gone through all steps. */
function end({ records, now }: RetrainingDeps, flow: string, progress: RetrainingProgress): void {
  const { ok, words, promoted } = progress.needed('promote')
  const { startedAt } = progress
  const known = records.retrainings(LOOKED_THROUGH).find((one) => one.flow === flow)
  if (known?.endedAt == null) records.putRetraining({ flow, startedAt, endedAt: now(), ok, words, promoted })
  progress.forget()
}

/** Records that may be newer than that of a retraining under way. */
const LOOKED_THROUGH = 100

/** Writes down that a retraining has failed for good: the champions are as they were. */
function recordFailure({ records, now }: RetrainingDeps, flow: string, startedAt: number, words: string): void {
  records.putRetraining({
    flow,
    startedAt,
    endedAt: now(),
    ok: false,
    words: `${words}. The champions stay as they were`,
    promoted: [],
  })
}
