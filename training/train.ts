import { join } from 'node:path'
import type { Logger } from 'pino'
import { z } from 'zod'
import { InputError } from '#data/errors.ts'
import type { ProgressListener } from '#data/progress.ts'
import { SERVED_KINDS } from '#models/regime.ts'
import { type Checkpoint, findTrained, saveCheckpoint } from './checkpoint.ts'
import { DatasetRequest } from './history.ts'
import { TrainingOptions } from './options.ts'
import { prepareDataset } from './prepare.ts'
import { type CdeTraining, trainCde } from './train-cde.ts'
import { type HmmTraining, trainHmm } from './train-hmm.ts'

/** Where trainings keep their state while they run, below the state directory. */
const STATES = 'trainings'

/** One training, as it travels through a queue. */
export const TrainingRequest = z.strictObject({
  kind: z.enum(SERVED_KINDS),
  dataset: DatasetRequest,
  options: TrainingOptions,
  seed: z.int(),
  /** Directory of the registry. */
  models: z.string().min(1),
  /** What is asked for twice under one key is trained once: the version that is there already is the answer. */
  key: z.string().min(1).max(128).optional(),
})
export type TrainingRequest = z.infer<typeof TrainingRequest>

export interface TrainingContext {
  readonly progress: ProgressListener
  readonly logger: Logger
  readonly now: () => number
  readonly signal?: AbortSignal
}

/** What came of a training: plain JSON. */
export interface TrainingResult extends Checkpoint {
  readonly seconds: number
  readonly cde?: CdeTraining
  readonly hmm?: HmmTraining
}

/**
 * Loads the data, trains one model and saves its checkpoint. The same request gives the same weights, also where a process was
 * killed in between and another one went on; with a key it also is the same version.
 *
 * @throws {InputError} for a request that is not one, or data that do not allow a training
 * @throws {BackendError} where a backend fails before there is an epoch to keep
 * @throws {ModelError} where the training diverges or the ONNX graph differs from the model
 */
export async function train(request: TrainingRequest, context: TrainingContext): Promise<TrainingResult> {
  const started = performance.now()
  const checked = TrainingRequest.safeParse(request)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new InputError(`training request: ${issue.path.join('.')}: ${issue.message}`, { path: issue.path })
  }
  const { kind, options, seed, models, key } = checked.data
  const before = key === undefined ? undefined : await findTrained({ kind, models, key, now: context.now() })
  if (before) return { ...before, seconds: 0 }
  const dataset = await prepareDataset(checked.data.dataset, { now: context.now, signal: context.signal })
  const states = join(checked.data.dataset.state, STATES)
  const fitted =
    kind === 'cde'
      ? await trainCde(dataset, options, seed, context, states)
      : await trainHmm(dataset, options, seed, context)
  const checkpoint = await saveCheckpoint(dataset, fitted.model, { models, seed, key, now: context.now })
  if ('finished' in fitted) await fitted.finished()
  return { ...checkpoint, [kind]: fitted.training, seconds: (performance.now() - started) / 1000 }
}
