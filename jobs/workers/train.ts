import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { FatalError, InputError, UnavailableError } from '#data/errors.ts'
import type { Progress } from '#data/progress.ts'
import { fromFailure, toJobFailure } from '../failures.ts'
import { checkPayload, trainJobSchema } from '../queues.ts'
import { heapArguments, limitMemory, type MemoryWatch } from './memory-limit.ts'
import type { TrainingPlace } from './remote-training.ts'
import type { TrainerCommand, TrainerMessage } from './train-process.ts'

export interface TrainProcessorOptions {
  /** URL of the module whose `train` does the work. */
  readonly trainModule: string
  readonly logger: Logger
  /** Where data come from and versions go; without it both are where the request says. */
  readonly place?: TrainingPlace
  /** Megabytes that the process may have resident; one that has more is ended. Default: no limit. */
  readonly memoryMb?: number
  /** Milliseconds that a cancelled training has to end by itself, default 3,000. */
  readonly grace?: number
  /** Milliseconds between two looks whether the job was cancelled, default 1,000. */
  readonly lookInterval?: number
}

/** The parts of a BullMQ job that training needs. */
export interface TrainJobHandle {
  readonly id?: string
  readonly data: unknown
  updateProgress(progress: object): Promise<void>
  /** What the job's payload is now: whoever asked may have cancelled it. */
  refetch(): Promise<unknown>
}

const PROGRAM = fileURLToPath(new URL('./train-process.ts', import.meta.url))
const GRACE = 3_000
const LOOK_INTERVAL = 1_000
/** Milliseconds between two reports of one stage. */
const REPORT_INTERVAL = 200

/**
 * The processor of the `train` queue: each training runs in a process of its own, made for it and gone after it.
 *
 * BullMQ's own sandbox keeps its processes for later jobs, and with them the memory of TensorFlow, and writes
 * their output to this process's stdout; hence this one. Ending the worker, aborting `signal` or cancelling the
 * job ends the training.
 *
 * @throws an `UnrecoverableError` for all but what another try may mend (see `failures.ts`)
 */
export function createTrainProcessor(options: TrainProcessorOptions) {
  return async (job: TrainJobHandle, signal?: AbortSignal): Promise<unknown> => {
    const cancelled = new AbortController()
    const looking = setInterval(() => {
      job.refetch().then(
        (data) => (data as { cancelled?: boolean } | undefined)?.cancelled && cancelled.abort(),
        (error) => options.logger.warn({ error: String(error) }, 'cannot look whether the training was cancelled'),
      )
    }, options.lookInterval ?? LOOK_INTERVAL)
    try {
      const { request, cancelled: before } = checkPayload(trainJobSchema, 'train', job.data)
      if (before) cancelled.abort()
      throwWhenEnded(signal, cancelled.signal)
      const either = AbortSignal.any(signal ? [signal, cancelled.signal] : [cancelled.signal])
      try {
        const asked = (await options.place?.prepare(request, either)) ?? request
        const result = await runTrainer(options, job, asked, either)
        throwWhenEnded(signal, cancelled.signal)
        await options.place?.finish(request, result, either)
        return result
      } catch (error) {
        throwWhenEnded(signal, cancelled.signal)
        throw error
      }
    } catch (error) {
      throw toJobFailure(error)
    } finally {
      clearInterval(looking)
    }
  }
}

/** Why a training ended that nobody waits for any more. */
export const CANCELLED = 'the training was cancelled'

async function runTrainer(
  options: TrainProcessorOptions,
  job: TrainJobHandle,
  request: object,
  ended: AbortSignal,
): Promise<unknown> {
  ended.throwIfAborted()
  const child = fork(PROGRAM, [], { execArgv: heapArguments(options.memoryMb), stdio: ['ignore', 2, 2, 'ipc'] })
  const memory = limitMemory(child, options.memoryMb)
  const onAbort = () => end(child, options.grace ?? GRACE)
  ended.addEventListener('abort', onAbort, { once: true })
  try {
    child.send({ type: 'start', module: options.trainModule, request } satisfies TrainerCommand)
    // One after the other, and all before the result: after it nobody listens.
    let reported = Promise.resolve()
    const report = (progress: Progress) => {
      reported = reported
        .then(() => job.updateProgress(progress))
        .catch((error) => options.logger.warn({ error: String(error) }, 'progress was lost'))
    }
    const message = await lastMessage(child, memory, sparingly(report))
    await reported
    if (message.type === 'failed') throw fromFailure(message.reason)
    return message.result
  } finally {
    memory.stop()
    ended.removeEventListener('abort', onAbort)
    child.kill('SIGKILL')
  }
}

/** @throws {UnavailableError} when the worker must go, so that another takes the job; {InputError} when cancelled */
function throwWhenEnded(stopped: AbortSignal | undefined, cancelled: AbortSignal): void {
  if (cancelled.aborted) throw new InputError(CANCELLED)
  if (stopped?.aborted) throw new UnavailableError('the worker was stopped during the training')
}

type LastMessage = Exclude<TrainerMessage, { type: 'progress' }>

function lastMessage(
  child: ChildProcess,
  memory: MemoryWatch,
  onProgress: (progress: Progress) => void,
): Promise<LastMessage> {
  return new Promise((resolve, reject) => {
    child.on('message', (message: TrainerMessage) => {
      if (message.type === 'progress') onProgress(message.progress)
      else resolve(message)
    })
    child.once('error', (error) => reject(new FatalError(`the training process: ${error.message}`, {}, error)))
    child.once('exit', (code, signal) => {
      const starved = memory.explain(code, signal)
      if (starved) return reject(starved)
      const how = signal ? `was killed by ${signal} (out of memory?)` : `ended with exit code ${code}`
      reject(new FatalError(`the training process ${how} before it had a result: see the worker's log`))
    })
  })
}

/** Passes on the first and last step of each stage, and of those between as many as the broker need hear. */
function sparingly(report: (progress: Progress) => void): (progress: Progress) => void {
  let stage = ''
  let last = 0
  return (progress) => {
    const now = performance.now()
    if (progress.stage === stage && progress.done < progress.total && now - last < REPORT_INTERVAL) return
    stage = progress.stage
    last = now
    report(progress)
  }
}

/** Asks, and insists after `grace` milliseconds. */
function end(child: ChildProcess, grace: number): void {
  if (child.connected) child.send({ type: 'cancel' } satisfies TrainerCommand)
  const late = setTimeout(() => child.kill('SIGKILL'), grace)
  child.once('exit', () => clearTimeout(late))
}
