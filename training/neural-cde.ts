import { ModelError } from '#data/errors.ts'
import type { Feature } from '#data/features.ts'
import type { Random } from '#data/random.ts'
import { buildWindows, type WindowEnd, type Windows } from '#data/windows.ts'
import type { CdeArchitecture } from '#models/neural-cde/configuration.ts'
import { type CdeTargets, cdeLossAndGradient, cdeProbabilities } from '#models/neural-cde/model.ts'
import { initialiseParameters, type ParameterVector } from '#models/neural-cde/parameters.ts'
import { controlPath } from '#models/neural-cde/path.ts'
import { mostProbable, REGIMES } from '#models/regime.ts'
import type { Scaling } from '#models/scaling.ts'
import { createAdamW } from './adamw.ts'
import { inverseFrequency } from './class-weights.ts'
import type { Samples } from './dataset.ts'
import { classScores, confusionMatrix } from './metrics.ts'
import type { CdeTrainingOptions } from './options.ts'

/** One line of the training curve. */
export interface Epoch {
  readonly epoch: number
  readonly trainLoss: number
  readonly validationLoss: number
  readonly validationMacroF1: number
}

export interface CdeFit {
  /** Parameters of the epoch with the lowest validation log-loss. */
  readonly parameters: ParameterVector
  readonly epochs: readonly Epoch[]
  readonly bestEpoch: number
}

export interface CdeFitInput {
  readonly architecture: CdeArchitecture
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
 * Fits a neural CDE by AdamW on the cross-entropy weighted by inverse class frequency, and keeps the epoch with
 * the lowest validation loss.
 *
 * @throws {ModelError} if a fold is empty or a loss is no longer finite
 */
export async function fitCde(input: CdeFitInput): Promise<CdeFit> {
  const { architecture, options, train, validation, random, clock, signal } = input
  if (train.ends.length === 0 || validation.ends.length === 0) {
    throw new ModelError(
      `cannot fit a neural CDE on ${train.ends.length} training and ${validation.ends.length} validation windows`,
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
  let best = { parameters: parameters.slice(), epoch: 0, loss: Number.POSITIVE_INFINITY }
  const average = parameters.slice()
  let steps = 0
  let learningRate = options.learningRate
  let sinceDecay = 0

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
      const targets: CdeTargets = {
        ...weightedTargets(labels, classWeights, options.labelSmoothing),
        dropout: dropoutMask(path.count * architecture.hidden, options.dropout, dropping),
      }
      const { loss, gradient } = await cdeLossAndGradient(architecture, parameters, path, targets)
      if (!Number.isFinite(loss)) {
        throw new ModelError(`training diverged in epoch ${epoch}: lower the learning rate`, { epoch, loss })
      }
      optimiser.step(parameters, gradient, learningRate)
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
    sinceDecay++
    if (score.validationLoss < best.loss) {
      best = { parameters: average.slice(), epoch, loss: score.validationLoss }
      sinceDecay = 0
    } else if (sinceDecay >= options.decayPatience) {
      learningRate /= 2
      parameters.set(best.parameters)
      sinceDecay = 0
    }
    if (epoch - best.epoch >= options.patience || clock() - started > options.minutes * 60_000) break
  }
  return { parameters: best.parameters, epochs, bestEpoch: best.epoch }
}

function windowsOf({ architecture }: CdeFitInput, ends: readonly WindowEnd[]): Windows {
  return buildWindows(ends, architecture.knots, architecture.channels)
}

/** Channels that change their sign when the market is turned upside down. */
const ODD_CHANNELS: readonly Feature[] = ['return', 'return12']

/**
 * Turns windows upside down, each with probability one half: a fall is as much a trend as a rise, and the model
 * should not have to learn it twice.
 */
function mirrorReturns(windows: Windows, random: Random): void {
  const width = windows.channels.length
  const columns = ODD_CHANNELS.map((channel) => windows.channels.indexOf(channel)).filter((column) => column >= 0)
  for (let n = 0; n < windows.count; n++) {
    if (random.uniform() < 0.5) continue
    for (let knot = 0; knot < windows.knots; knot++) {
      const row = (n * windows.knots + knot) * width
      for (const column of columns) windows.features[row + column] = -windows.features[row + column]
    }
  }
}

function weightedTargets(labels: Uint8Array, classWeights: Float64Array, smoothing: number) {
  const classes = REGIMES.length
  const probabilities = new Float32Array(labels.length * classes).fill(smoothing / classes)
  const weights = new Float32Array(labels.length)
  let total = 0
  for (let i = 0; i < labels.length; i++) {
    probabilities[i * classes + labels[i]] += 1 - smoothing
    weights[i] = classWeights[labels[i]]
    total += weights[i]
  }
  for (let i = 0; i < weights.length; i++) weights[i] /= total
  return { probabilities, weights }
}

/** Inverted dropout: zeros at `rate`, the rest scaled up so that the mean stays 1. */
function dropoutMask(length: number, rate: number, random: Random): Float32Array | undefined {
  if (rate <= 0) return undefined
  const mask = new Float32Array(length)
  for (let i = 0; i < length; i++) mask[i] = random.uniform() < rate ? 0 : 1 / (1 - rate)
  return mask
}

/** Weighted log-loss and macro-F1 on the validation fold. */
async function validationScore(input: CdeFitInput, parameters: ParameterVector, classWeights: Float64Array) {
  const { ends, labels } = input.validation
  const predicted = new Uint8Array(ends.length)
  let loss = 0
  let weight = 0
  for (let start = 0; start < ends.length; start += FORWARD_BATCH) {
    input.signal?.throwIfAborted()
    const windows = windowsOf(input, ends.slice(start, start + FORWARD_BATCH))
    const path = controlPath(windows, input.architecture, input.scaling)
    const probabilities = await cdeProbabilities(input.architecture, parameters, path)
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
