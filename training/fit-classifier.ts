import { ModelError } from '#data/errors.ts'
import type { Random } from '#data/random.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import type { ParameterVector } from '#models/classifier/parameters.ts'
import { mostProbable, REGIMES } from '#models/regime.ts'
import type { Scaling } from '#models/scaling.ts'
import { createAdamW } from './adamw.ts'
import { drawMirrored, dropoutMask, weightedTargets } from './batch.ts'
import { inverseFrequency } from './class-weights.ts'
import type { Samples } from './dataset.ts'
import { classScores, confusionMatrix } from './metrics.ts'
import type { CdeTrainingOptions } from './options.ts'
import { type Gradients, gradientsHere } from './parallel/gradients.ts'
import type { Batch } from './parallel/shards.ts'
import { createPlateau, type Plateau } from './plateau.ts'
import { type Ending, type Epoch, type TrainingState, trainingStart } from './training-state.ts'

export interface ClassifierFit {
  /** Parameters of the epoch with the lowest validation log-loss. */
  readonly parameters: ParameterVector
  readonly epochs: readonly Epoch[]
  readonly bestEpoch: number
  readonly ending: Ending
}

export interface ClassifierFitInput {
  readonly architecture: Architecture
  readonly scaling: Scaling
  readonly train: Samples
  readonly validation: Samples
  readonly options: CdeTrainingOptions
  readonly random: Random
  /** Milliseconds that only go forward. */
  readonly clock: () => number
  readonly onEpoch?: (epoch: Epoch) => void
  /** Called after each batch with the share of the epoch that is done. */
  readonly onBatch?: (epoch: number, share: number) => void
  /** Where losses and gradients come from; this process and TensorFlow.js's backend unless given. Stays open. */
  readonly gradients?: Gradients
  /** Where to go on from; left as it is. */
  readonly state?: TrainingState
  /** Takes a copy of the state after each epoch, before the next begins. */
  readonly onState?: (state: TrainingState) => Promise<void> | void
  readonly signal?: AbortSignal
}

/**
 * Fits a classifier of control paths by AdamW on the cross-entropy weighted by inverse class frequency, and keeps the epoch with
 * the lowest validation loss. With a state to go on from, the result is that of a fit that was never interrupted.
 *
 * @throws {ModelError} if a fold is empty or a loss is no longer finite
 * @throws {BackendError} if the backend fails; the state of the last finished epoch was given to `onState`
 */
export async function fitClassifier(input: ClassifierFitInput): Promise<ClassifierFit> {
  const { architecture, options, train, validation, random, clock, signal } = input
  if (train.ends.length === 0 || validation.ends.length === 0) {
    throw new ModelError(
      `cannot fit a classifier on ${train.ends.length} training and ${validation.ends.length} validation windows`,
    )
  }
  const state = input.state ? structuredClone(input.state) : trainingStart(architecture, options, random)
  const gradients = input.gradients ?? gradientsHere(shardDataOf(input), signal)
  const classWeights = inverseFrequency(train.labels)
  const plateau = createPlateau(options, state.plateau)
  const started = clock() - state.elapsed

  while (!state.ending) {
    const epoch = state.epochs.length + 1
    const trainLoss = await learn(input, state, { epoch, gradients, classWeights, plateau })
    const probabilities = await gradients.validation(state.average)
    const score = validationScore(validation.labels, probabilities, classWeights)
    if (!Number.isFinite(score.validationLoss)) {
      throw new ModelError(`training diverged in epoch ${epoch}: lower the learning rate`, { epoch, ...score })
    }
    const line = { epoch, trainLoss, ...score }
    state.epochs.push(line)
    input.onEpoch?.(line)
    const { improved, decayed, stop } = plateau.observe(score.validationLoss)
    if (improved) state.best = { parameters: state.average.slice(), epoch }
    if (decayed) {
      // The average goes back as well: otherwise it is made of the weights that were just given up, for as long as it takes to
      // forget them (validation loss an epoch later, 35 coins, two seeds: 0.0004 and 0.0018 lower than without).
      state.parameters.set(state.best.parameters)
      state.average.set(state.best.parameters)
    }
    state.elapsed = clock() - started
    state.ending = endingOf(state, stop, options)
    await input.onState?.(structuredClone(state))
  }
  return fitOf(state, state.ending)
}

/** What a training has come to so far, when it ends here. */
export function fitOf({ best, epochs }: TrainingState, ending: Ending): ClassifierFit {
  return { parameters: best.parameters, epochs, bestEpoch: best.epoch, ending }
}

/** What losses and gradients of a fit are computed from. */
export function shardDataOf({ architecture, scaling, train, validation }: ClassifierFitInput) {
  return { architecture, scaling, train: train.ends, validation: validation.ends }
}

function endingOf(state: TrainingState, stop: boolean, options: CdeTrainingOptions): Ending | undefined {
  const done = state.epochs.length
  if (stop) return { by: 'patience', reason: `no better validation loss in ${options.patience} epochs` }
  if (done >= options.epochs) return { by: 'epochs', reason: `its last epoch (${options.epochs}) was done` }
  if (state.elapsed <= options.minutes * 60_000) return undefined
  const reason = `cut short after ${done} of ${options.epochs} epochs: its ${options.minutes} minutes were over`
  return { by: 'minutes', reason }
}

/** What one epoch needs besides the input and the state. */
interface EpochSetting {
  readonly epoch: number
  readonly gradients: Gradients
  readonly classWeights: Float64Array
  readonly plateau: Plateau
}

/** One epoch of steps on `state`. @returns the mean loss of its windows, each by the weights before its step */
async function learn(input: ClassifierFitInput, state: TrainingState, setting: EpochSetting): Promise<number> {
  const { architecture, options, train } = input
  const { epoch, gradients, classWeights, plateau } = setting
  const { parameters, average, moments } = state
  const optimiser = createAdamW(parameters.length, options, moments)
  // Streams of the epoch's own: a training that goes on with this epoch draws what it would have drawn anyway.
  const random = input.random.fork(`epoch ${epoch}`)
  const mirroring = random.fork('mirror')
  const dropping = random.fork('dropout')
  const order = Uint32Array.from(train.ends.keys())
  random.fork('batches').shuffle(order)
  let lossSum = 0
  for (let start = 0; start < order.length; start += options.batch) {
    input.signal?.throwIfAborted()
    const indices = order.subarray(start, start + options.batch)
    const count = indices.length
    const labels = Uint8Array.from(indices, (i) => train.labels[i])
    const batch: Batch = {
      indices,
      mirrored: options.mirror ? drawMirrored(count, mirroring) : new Uint8Array(count),
      targets: {
        ...weightedTargets(labels, classWeights, options.labelSmoothing),
        dropout: dropoutMask(count * architecture.hidden, options.dropout, dropping),
      },
    }
    const { loss, gradient } = await gradients.batch(parameters, batch)
    if (!Number.isFinite(loss)) {
      throw new ModelError(`training diverged in epoch ${epoch}: lower the learning rate`, { epoch, loss })
    }
    optimiser.step(parameters, gradient, plateau.learningRate())
    // The average forgets where it started faster than it forgets what was learned.
    const decay = Math.min(options.averaging, moments.steps / (moments.steps + 9))
    for (let i = 0; i < average.length; i++) average[i] = decay * average[i] + (1 - decay) * parameters[i]
    lossSum += loss * count
    input.onBatch?.(epoch, Math.min(1, (start + count) / order.length))
  }
  return lossSum / order.length
}

/** Weighted log-loss and macro-F1 on the validation fold. */
function validationScore(labels: Uint8Array, probabilities: Float32Array, classWeights: Float64Array) {
  const predicted = new Uint8Array(labels.length)
  let loss = 0
  let weight = 0
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]
    predicted[i] = mostProbable(probabilities, i)
    loss -= classWeights[label] * Math.log(Math.max(probabilities[i * REGIMES.length + label], 1e-12))
    weight += classWeights[label]
  }
  const scores = classScores(confusionMatrix(labels, predicted))
  return { validationLoss: loss / weight, validationMacroF1: scores.macroF1 }
}
