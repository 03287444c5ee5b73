import { availableParallelism } from 'node:os'
import type { Logger } from 'pino'
import { BackendError } from '#data/errors.ts'
import { type Backend, discardBackend, selectBackend } from '#models/backend.ts'
import { openEngine, selectTrainingBackend } from '#models/engines.ts'
import { type ClassifierFit, type ClassifierFitInput, fitClassifier, fitOf, shardDataOf } from './fit-classifier.ts'
import type { TrainingOptions } from './options.ts'
import { type Gradients, gradientsHere } from './parallel/gradients.ts'
import { gradientsInThreads, type ThreadBackend } from './parallel/threads.ts'
import type { StateFile } from './state-file.ts'
import type { TrainingState } from './training-state.ts'

export interface BackendsFitInput extends Omit<ClassifierFitInput, 'gradients' | 'state' | 'onState'> {
  readonly on: Pick<TrainingOptions, 'backend' | 'threads' | 'onBackendFailure'>
  /** Keeps the state from epoch to epoch, for a later process to go on. */
  readonly file?: StateFile
  readonly logger: Logger
}

/** A fit with what it ran on. */
export interface BackendsFit extends ClassifierFit {
  /** The backend that it ended on, with what was tried before and why it was left. */
  readonly backend: Backend
  readonly threads: number
  /** What a user must be told: each backend that failed, and what became of it. */
  readonly degradations: readonly string[]
}

/** Threads by default: more wait for each other longer than they compute. */
const MOST_THREADS = 8

/**
 * Fits a classifier on the backend asked for, in threads where that backend has them. A backend that fails half-way costs no
 * finished epoch: with `step-down` the next one goes on from the last of them, with `stop` (or when there is none left) the fit
 * ends with the best epoch so far, and says so.
 *
 * Afterwards a working TensorFlow.js backend is in force.
 *
 * @throws {BackendError} where a backend fails before the first epoch is finished, and no other may go on
 * @throws {UnavailableError} where no backend can be started
 * @throws {ModelError} see {@link fitClassifier}
 */
export async function fitOnBackends(input: BackendsFitInput): Promise<BackendsFit> {
  const { on, file, logger } = input
  let state = await keptState(file, logger)
  let backend = await selectTrainingBackend(on.backend, input.architecture)
  const degradations: string[] = []
  const onState = async (next: TrainingState) => {
    state = next
    await file?.write(next)
  }
  for (;;) {
    const threads = threadsOn(backend, on)
    backend = { ...backend, reason: `${backend.reason}; ${describeThreads(backend, threads)}` }
    logger.info({ backend: backend.name, threads }, `training on ${backend.name}: ${backend.reason}`)
    let gradients: Gradients | undefined
    try {
      gradients = await openGradients(input, backend, threads)
      const fit = await fitClassifier({ ...input, gradients, state, onState })
      return { ...fit, backend, threads, degradations }
    } catch (error) {
      if (!(error instanceof BackendError)) throw error
      const failure = `${backend.name} failed in epoch ${(state?.epochs.length ?? 0) + 1}: ${error.message}`
      discardBackend(backend.name)
      const next = on.onBackendFailure === 'step-down' ? await nextBackend(backend) : undefined
      if (next) {
        degradations.push(`${failure}; went on with ${next.name}`)
        logger.warn({ backend: backend.name, next: next.name }, degradations.at(-1))
        backend = { ...next, reason: `${failure}; ${next.reason}` }
        continue
      }
      if (!state || state.best.epoch === 0) throw error
      const { epochs, best } = state
      degradations.push(`${failure}; epoch ${best.epoch} of ${epochs.length} was kept`)
      logger.error({ backend: backend.name, epochs: epochs.length }, degradations.at(-1))
      // Whoever compares or exports the model computes with it.
      await selectBackend('wasm')
      const reason = `cut short after ${epochs.length} of ${input.options.epochs} epochs: ${failure}`
      return { ...fitOf(state, { by: 'failure', reason }), backend, threads, degradations }
    } finally {
      await gradients?.close()
    }
  }
}

/** What takes several threads: a graphics card is kept busy by one process. */
function threadBackend({ name }: Backend): ThreadBackend | undefined {
  return name === 'wasm' || name === 'onnxruntime' ? name : undefined
}

function threadsOn(backend: Backend, { threads }: BackendsFitInput['on']): number {
  return threadBackend(backend) ? (threads ?? Math.min(MOST_THREADS, availableParallelism())) : 1
}

async function openGradients(input: BackendsFitInput, backend: Backend, threads: number): Promise<Gradients> {
  const { architecture, signal } = input
  const data = shardDataOf(input)
  // Opened here even where threads open their own: what it refuses is the input's fault, and no backend's.
  const engine = await openEngine(backend.name, architecture)
  if (threads === 1) return gradientsHere(data, signal, engine)
  await engine.close()
  const batch = Math.min(input.options.batch, data.train.length)
  return gradientsInThreads(data, { threads, batch, backend: threadBackend(backend), signal })
}

function describeThreads(backend: Backend, threads: number): string {
  if (!threadBackend(backend)) return 'one process, as threads are for processors'
  return threads === 1 ? 'one thread' : `${threads} threads`
}

/** The backend to step down to; undefined where there is none. */
async function nextBackend({ name }: Backend): Promise<Backend | undefined> {
  if (name === 'onnxruntime') return selectBackend('wasm')
  return name === 'wasm' ? undefined : selectBackend('auto', name)
}

/** Where an earlier process stopped. */
async function keptState(file: StateFile | undefined, logger: Logger): Promise<TrainingState | undefined> {
  const kept = await file?.read()
  if (kept === undefined) return undefined
  if ('unusable' in kept) {
    logger.warn({ path: file?.path }, `the training begins anew: ${kept.unusable}`)
    return undefined
  }
  const { epochs } = kept.state
  logger.info({ path: file?.path, epochs: epochs.length }, `the training goes on after epoch ${epochs.length}`)
  return kept.state
}
