import { ModelError } from '#data/errors.ts'
import type { Random } from '#data/random.ts'
import { buildWindows, type WindowEnd, type Windows } from '#data/windows.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { lossAndGradient, regimeProbabilities, type Targets } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { initialiseParameters, type ParameterVector } from '#models/classifier/parameters.ts'
import { mostProbable, REGIMES } from '#models/regime.ts'
import type { Scaling } from '#models/scaling.ts'
import { createAdamW } from './adamw.ts'
import { dropoutMask, mirrorReturns, weightedTargets } from './batch.ts'
import { inverseFrequency } from './class-weights.ts'
import type { Samples } from './dataset.ts'
import { classScores, confusionMatrix } from './metrics.ts'
import type { CdeTrainingOptions } from './options.ts'
import { createPlateau } from './plateau.ts'

/** One line of the training curve. */
export interface Epoch {
  readonly epoch: number
  readonly trainLoss: number
  readonly validationLoss: number
  readonly validationMacroF1: number
}

export interface ClassifierFit {
  /** Parameters of the epoch with the lowest validation log-loss. */
  readonly parameters: ParameterVector
  readonly epochs: readonly Epoch[]
  readonly bestEpoch: number
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
  readonly signal?: AbortSignal
}

/** Windows of the validation fold that one forward pass takes. */
const FORWARD_BATCH = 1024

/**
 * Fits a classifier of control paths by AdamW on the cross-entropy weighted by inverse class frequency, and keeps the epoch with
 * the lowest validation loss.
 *
 * @throws {ModelError} if a fold is empty or a loss is no longer finite
 */
export async function fitClassifier(input: ClassifierFitInput): Promise<ClassifierFit> {
  const { architecture, options, train, validation, random, clock, signal } = input
  if (train.ends.length === 0 || validation.ends.length === 0) {
    throw new ModelError(
      `cannot fit a classifier on ${train.ends.length} training and ${validation.ends.length} validation windows`,
    )
  }
  const classWeights = inverseFrequency(train.labels)
  const parameters = initialiseParameters(architecture, random.fork('initial weights'))
  const optimiser = createAdamW(parameters.length, options)
  const shuffling = random.fork('batches')
  const mirroring = random.fork('mirror')
  const dropping = random.fork('dropout')
  const order = Uint32Array.from(train.ends.keys())
  const epochs: Epoch[] = []
  const started = clock()
  const plateau = createPlateau(options)
  let best = { parameters: parameters.slice(), epoch: 0 }
  const average = parameters.slice()
  let steps = 0

  for (let epoch = 1; epoch <= options.epochs; epoch++) {
    shuffling.shuffle(order)
    let lossSum = 0
    for (let start = 0; start < order.length; start += options.batch) {
      signal?.throwIfAborted()
      const chosen = order.subarray(start, start + options.batch)
      const windows = windowsOf(
        input,
        Array.from(chosen, (i) => train.ends[i]),
      )
      if (options.mirror) mirrorReturns(windows, mirroring)
      const path = controlPath(windows, architecture, input.scaling)
      const labels = Uint8Array.from(chosen, (i) => train.labels[i])
      const targets: Targets = {
        ...weightedTargets(labels, classWeights, options.labelSmoothing),
        dropout: dropoutMask(path.count * architecture.hidden, options.dropout, dropping),
      }
      const { loss, gradient } = await lossAndGradient(architecture, parameters, path, targets)
      if (!Number.isFinite(loss)) {
        throw new ModelError(`training diverged in epoch ${epoch}: lower the learning rate`, { epoch, loss })
      }
      optimiser.step(parameters, gradient, plateau.learningRate())
      // The average forgets where it started faster than it forgets what was learned.
      const decay = Math.min(options.averaging, ++steps / (steps + 9))
      for (let i = 0; i < average.length; i++) average[i] = decay * average[i] + (1 - decay) * parameters[i]
      lossSum += loss * chosen.length
      input.onBatch?.(epoch, Math.min(1, (start + chosen.length) / order.length))
    }
    const score = await validationScore(input, average, classWeights)
    if (!Number.isFinite(score.validationLoss)) {
      throw new ModelError(`training diverged in epoch ${epoch}: lower the learning rate`, { epoch, ...score })
    }
    const line = { epoch, trainLoss: lossSum / order.length, ...score }
    epochs.push(line)
    input.onEpoch?.(line)
    const { improved, decayed, stop } = plateau.observe(score.validationLoss)
    if (improved) best = { parameters: average.slice(), epoch }
    if (decayed) parameters.set(best.parameters)
    if (stop || clock() - started > options.minutes * 60_000) break
  }
  return { parameters: best.parameters, epochs, bestEpoch: best.epoch }
}

function windowsOf({ architecture }: ClassifierFitInput, ends: readonly WindowEnd[]): Windows {
  return buildWindows(ends, architecture.knots, architecture.channels)
}

/** Weighted log-loss and macro-F1 on the validation fold. */
async function validationScore(input: ClassifierFitInput, parameters: ParameterVector, classWeights: Float64Array) {
  const { ends, labels } = input.validation
  const predicted = new Uint8Array(ends.length)
  let loss = 0
  let weight = 0
  for (let start = 0; start < ends.length; start += FORWARD_BATCH) {
    input.signal?.throwIfAborted()
    const windows = windowsOf(input, ends.slice(start, start + FORWARD_BATCH))
    const path = controlPath(windows, input.architecture, input.scaling)
    const probabilities = await regimeProbabilities(input.architecture, parameters, path)
    for (let i = 0; i < path.count; i++) {
      const label = labels[start + i]
      predicted[start + i] = mostProbable(probabilities, i)
      loss -= classWeights[label] * Math.log(Math.max(probabilities[i * REGIMES.length + label], 1e-12))
      weight += classWeights[label]
    }
  }
  const scores = classScores(confusionMatrix(labels, predicted))
  return { validationLoss: loss / weight, validationMacroF1: scores.macroF1 }
}
