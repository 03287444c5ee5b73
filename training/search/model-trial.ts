import { z } from 'zod'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import type { BackendName } from '#models/backend.ts'
import { openEngine, selectTrainingBackend } from '#models/engines.ts'
import { architectureOf } from '../architecture.ts'
import { selectChannels, selectSamples, usefulStride } from '../dataset.ts'
import { type ClassifierFit, fitClassifier } from '../fit-classifier.ts'
import { DatasetRequest } from '../history.ts'
import { TrainingOptions } from '../options.ts'
import { gradientsHere } from '../parallel/gradients.ts'
import type { PreparedDataset } from '../prepare.ts'
import type { TrainingContext } from '../train.ts'
import { isHopeless } from './median-pruner.ts'
import type { TrialAnswer } from './run-study.ts'
import { prepareWithoutTest } from './unseen-test.ts'

/** One trial of the regime model, as it travels through a queue. */
export const ModelTrialRequest = z.strictObject({
  task: z.literal('model trial'),
  number: z.int().min(0),
  dataset: DatasetRequest,
  /** With the trial's own values in place. */
  options: TrainingOptions,
  seed: z.int(),
  /** What the validation loss must not be worse than, epoch by epoch. */
  bars: z.array(z.number().nullable()),
})
export type ModelTrialRequest = z.infer<typeof ModelTrialRequest>

/**
 * Fits the neural CDE on the training fold and answers with its lowest validation loss; ended early where its best so far
 * is worse than the median of others at the same epoch.
 *
 * @throws {InputError} for a request that is not one, or data that do not allow a training
 * @throws {ModelError} where the training diverges
 */
export async function modelTrial(request: unknown, context: TrainingContext): Promise<TrialAnswer> {
  const started = performance.now()
  const checked = ModelTrialRequest.safeParse(request)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new InputError(`model trial: ${issue.path.join('.')}: ${issue.message}`, { path: issue.path })
  }
  const dataset = await prepareWithoutTest(checked.data.dataset, { now: context.now, signal: context.signal })
  const { name } = await selectTrainingBackend(checked.data.options.backend, checked.data.options.architecture)
  const answer = await fitPruned(dataset, checked.data, name, context)
  return { ...answer, seconds: (performance.now() - started) / 1000 }
}

async function fitPruned(
  dataset: PreparedDataset,
  { options, seed, bars, number }: ModelTrialRequest,
  backend: BackendName,
  context: TrainingContext,
): Promise<Omit<TrialAnswer, 'seconds'>> {
  const { knots, cde } = options
  const selection = selectChannels(dataset)
  const { scaling } = selection
  const architecture = architectureOf(options.architecture, selection, knots)
  const stride = usefulStride(selectSamples(dataset, 'train', { knots }).ends.length, options.stride)
  const curve: number[] = []
  const pruned = new AbortController()
  const signal = context.signal ? AbortSignal.any([context.signal, pruned.signal]) : pruned.signal
  const train = selectSamples(dataset, 'train', { knots, stride })
  const validation = selectSamples(dataset, 'validation', { knots, stride })
  const data = { architecture, scaling, train: train.ends, validation: validation.ends }
  const gradients = gradientsHere(data, signal, await openEngine(backend, architecture))
  let fit: ClassifierFit | undefined
  try {
    fit = await fitClassifier({
      architecture,
      scaling,
      train,
      validation,
      gradients,
      options: cde,
      random: createRandom(seed).fork('neural-cde'),
      clock: () => performance.now(),
      signal,
      onBatch: (epoch, share) =>
        context.progress({
          stage: `trial ${number}`,
          done: Math.floor((epoch - 1 + share) * 100) / 100,
          total: cde.epochs,
          note: curve.length > 0 ? `validation loss ${Math.min(...curve).toFixed(4)}` : 'first epoch',
        }),
      onEpoch({ validationLoss }) {
        curve.push(validationLoss)
        if (isHopeless(curve, bars, 'minimise')) pruned.abort()
      },
    })
  } catch (error) {
    if (!pruned.signal.aborted || context.signal?.aborted) throw error
  } finally {
    await gradients.close()
  }
  if (!fit || pruned.signal.aborted) {
    const reason = `worse than the median of the others after epoch ${curve.length}`
    return { state: 'pruned', curve, reason }
  }
  const { bestEpoch, epochs } = fit
  const { validationLoss, validationMacroF1 } = epochs[bestEpoch - 1]
  const figures = { epochs: epochs.length, bestEpoch, validationMacroF1 }
  return { state: 'complete', value: validationLoss, curve, figures }
}
