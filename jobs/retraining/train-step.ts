import { type Job, WaitingChildrenError } from 'bullmq'
import { MillraceError, UnavailableError } from '#data/errors.ts'
import type { ServedKind } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import { fetchVersion } from '#models/store/versions.ts'
import type { TrainingRequest, TrainingResult } from '#training/train.ts'
import type { BrokerQueue } from '../broker.ts'
import { fromFailure } from '../failures.ts'
import { challenge, cutsOf } from '../pipeline/train.ts'
import { fleetJobOptions, type TrainJob } from '../queues.ts'
import { chooseChallengers, readTraining } from './choose.ts'
import { contextOf, type RetrainingDeps } from './deps.ts'
import { type RetrainingJob, trainingId } from './flow.ts'
import type { Challenger, RetrainingProgress, StepResults } from './progress.ts'

/** One training that is asked for. */
interface Wanted {
  readonly id: string
  readonly kind: ServedKind
  readonly seed: number
}

/** All trainings of a retraining. */
export function trainingsOf({ flow, kinds, seeds }: RetrainingJob): Wanted[] {
  return kinds.flatMap((kind) => seeds.map((seed) => ({ id: trainingId(flow, kind, seed), kind, seed })))
}

/**
 * The step `train`: has every kind trained with every seed, as many at a time as there are workers, waits for all without
 * holding its own place, and makes the best of each kind challenger. A training that fails does not stop the others.
 *
 * @throws {WaitingChildrenError} while trainings are open: BullMQ takes the step again when they have ended
 * @throws {MillraceError} the first failure where no training came to anything
 */
export async function trainStep(
  deps: RetrainingDeps,
  queue: BrokerQueue<TrainJob, unknown>,
  job: Job,
  token: string,
  request: RetrainingJob,
  progress: RetrainingProgress,
  signal?: AbortSignal,
): Promise<StepResults['train']> {
  const wanted = trainingsOf(request)
  const ended = await viaBroker(async () => {
    // Once: one that is missing later was taken back.
    if (!progress.reached('trainings added')) {
      await addTrainings(deps, queue, job, request.flow, wanted, progress.needed('dataset').dataset)
      progress.since('trainings added')
    }
    if (await job.moveToWaitingChildren(token)) throw new WaitingChildrenError()
    return Promise.all(wanted.map(async (one) => ({ ...one, job: await queue.getJob(one.id) })))
  })

  const trained: Challenger[] = []
  const errors: MillraceError[] = []
  const failures: string[] = []
  const degraded: string[] = []
  for (const { id, kind, seed, job: training } of ended) {
    try {
      if (!training) throw new UnavailableError('it was taken back before it had ended')
      // Its children have ended, so it has failed where it has no answer.
      if (training.failedReason) throw fromFailure(training.failedReason, { job: id })
      trained.push(readTraining(training.returnvalue, kind, seed))
      degraded.push(...cutsOf(training.returnvalue as TrainingResult))
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      errors.push(error)
      failures.push(`training of the ${kind.toUpperCase()} with seed ${seed} failed: ${error.message}`)
      deps.logger.error({ kind, seed, job: id }, failures.at(-1))
    }
  }
  // What is tried again finds the same trainings ended in the same way.
  if (trained.length === 0) throw fromFailure(`FatalError: ${failures.join('; ')}`)

  const challengers = chooseChallengers(trained)
  const registry = openRegistry(deps.settings.paths.models)
  for (const challenger of Object.values(challengers)) {
    const { kind, id } = challenger
    if (deps.store) await fetchVersion(deps.store, registry, { kind, id, now: deps.now(), signal })
    await challenge(registry.directory, challenger, contextOf(deps, signal))
  }
  for (const words of degraded) deps.logger.warn(words)
  return { challengers, failures, degraded }
}

/** Adds the trainings that are not there yet. */
async function addTrainings(
  { settings }: RetrainingDeps,
  queue: BrokerQueue<TrainJob, unknown>,
  parent: Job,
  round: string,
  wanted: readonly Wanted[],
  dataset: TrainingRequest['dataset'],
): Promise<void> {
  for (const { id, kind, seed } of wanted) {
    if (await queue.getJob(id)) continue
    const request: TrainingRequest = {
      kind,
      dataset,
      options: settings.training,
      seed,
      models: settings.paths.models,
      key: id,
    }
    await queue.add(
      'train',
      { round, request: request as unknown as TrainJob['request'] },
      {
        ...fleetJobOptions('train', id),
        parent: { id: parent.id!, queue: parent.queueQualifiedName },
        ignoreDependencyOnFailure: true,
      },
    )
  }
}

/** What a broker's client throws is no word on the trainings: another try may find it back. */
async function viaBroker<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof MillraceError || error instanceof WaitingChildrenError) throw error
    throw new UnavailableError('the broker did not take or tell of the trainings', {}, error)
  }
}
