import { createRandom } from '#data/random.ts'
import { buildWindows } from '#data/windows.ts'
import { selectBackend } from '#models/backend.ts'
import type { EncoderName } from '#models/classifier/architecture.ts'
import { openEngine } from '#models/engines.ts'
import { fitHmm } from '#models/hmm/fit.ts'
import { LOGISTIC_KNOTS } from '#models/logistic.ts'
import { applyRule, fitRuleConfidence, ruleModel } from '#models/rule.ts'
import { architectureOf } from '../architecture.ts'
import { type Dataset, type Market, type Samples, selectChannels, selectSamples, usefulStride } from '../dataset.ts'
import { predict } from '../evaluate-models.ts'
import { type ClassifierFitInput, fitClassifier, shardDataOf } from '../fit-classifier.ts'
import { FORECAST_HOURS, forecastLabels, type LabelDefinition } from '../labels.ts'
import { fitLogistic } from '../logistic.ts'
import type { TrainingOptions } from '../options.ts'
import { gradientsHere } from '../parallel/gradients.ts'
import { trainingSequences } from '../train-hmm.ts'
import { type Contestant, ENCODER_OF } from './contestants.ts'
import { asEstimator, type FittedModel } from './fitted-model.ts'
import type { Fold } from './folds.ts'

/** What all fits of an evaluation share; sent to a thread once. */
export interface FitData {
  /** With the centred label. */
  readonly markets: readonly Market[]
  /** Coins that are tested; all markets are trained on. */
  readonly coins: readonly string[]
  readonly label: LabelDefinition
  readonly options: TrainingOptions
}

/** One fit: a contestant, on what lies before a test block. */
export interface FitTask {
  readonly contestant: Contestant
  readonly fold: Fold
  readonly seed: number
  /** What is learned: the centred label, or the one of the next 24 hours (design section 5). */
  readonly target: 'centred' | 'forecast'
  /** A coin that is left out of training and validation. */
  readonly without?: string
}

/** What came of a fit: plain data. */
export interface Fit {
  readonly model: FittedModel
  /** Probabilities on {@link foldSamples}, row-major `[n, 3]`. */
  readonly validation: Float32Array
  readonly test: Float32Array
  /** Passes over the training windows, where it was fitted by gradient. */
  readonly epochs?: number
  readonly bestEpoch?: number
}

/** Knots that the windows of every contestant have: all are asked for the same hours. */
export function commonKnots({ knots, hmm }: TrainingOptions): number {
  return Math.max(knots, hmm.knots, LOGISTIC_KNOTS)
}

/** The labelled hours of the coins tested, in the validation part or the test block of a fold. */
export function foldSamples(data: FitData, fold: Fold, part: 'validation' | 'test'): Samples {
  const { markets, coins, label, options } = data
  const wanted = { knots: commonKnots(options), coins: new Set(coins) }
  return selectSamples({ markets, split: fold, label }, part, wanted)
}

/**
 * Fits one contestant to what lies before a test block, and asks it for the block. The same task gives the same fit,
 * whatever ran before it and beside it: no limit of time applies, and it computes on one core, on wasm (the plain vector
 * field on onnxruntime), whatever backend `train` would take.
 *
 * @throws {ModelError} where a fold is empty or training diverges
 */
export async function runFit(
  data: FitData,
  task: FitTask,
  context: { readonly signal?: AbortSignal } = {},
): Promise<Fit> {
  await selectBackend('wasm')
  const { model, ...training } = await fitModel(trainingData(data, task), data.options, task, context.signal)
  const estimator = asEstimator(task.contestant, model)
  const answer = async (part: 'validation' | 'test') => predict(estimator, foldSamples(data, task.fold, part).ends)
  return { model, ...training, validation: await answer('validation'), test: await answer('test') }
}

/** The markets that may be learned from, with the labels that are to be learned, and the purge that these ask for. */
function trainingData({ markets, label }: FitData, { fold, target, without }: FitTask): Dataset {
  const kept = markets.filter(({ bars }) => bars.coin !== without)
  if (target === 'centred') return { markets: kept, split: fold, label }
  return {
    markets: kept.map((market) => ({ ...market, labels: forecastLabels(market.bars) })),
    split: { ...fold, purgeHours: Math.max(fold.purgeHours, FORECAST_HOURS) },
    label,
  }
}

type Fitted = Pick<Fit, 'model' | 'epochs' | 'bestEpoch'>

function fitModel(
  dataset: Dataset,
  options: TrainingOptions,
  { contestant, seed }: FitTask,
  signal?: AbortSignal,
): Promise<Fitted> | Fitted {
  const encoder = ENCODER_OF[contestant]
  if (encoder) return fitNetwork(dataset, options, encoder, seed, signal)
  switch (contestant) {
    case 'hmm':
      return fitMarkov(dataset, options, seed, signal)
    case 'logistic':
      return { model: { form: 'logistic', model: fitLogistic(trainingSamples(dataset, options)) } }
    default:
      return fitRule(dataset, options)
  }
}

/** Windows that are enough to learn from here: `train` takes more hours of short data, but fits each model once. */
const ENOUGH_WINDOWS = 8000

/** Every n-th hour, as `train` takes it; fewer than `train` where data are short. */
function trainingSamples(dataset: Dataset, options: TrainingOptions, part: 'train' | 'validation' = 'train'): Samples {
  const knots = commonKnots(options)
  const stride = usefulStride(selectSamples(dataset, 'train', { knots }).ends.length, options.stride, ENOUGH_WINDOWS)
  return selectSamples(dataset, part, { knots, stride })
}

async function fitNetwork(
  dataset: Dataset,
  options: TrainingOptions,
  encoder: EncoderName,
  seed: number,
  signal?: AbortSignal,
): Promise<Fitted> {
  const selection = selectChannels(dataset)
  const { scaling } = selection
  const architecture = architectureOf({ ...options.architecture, encoder }, selection, options.knots)
  const input: ClassifierFitInput = {
    architecture,
    scaling,
    train: trainingSamples(dataset, options),
    validation: trainingSamples(dataset, options, 'validation'),
    options: options.cde,
    random: createRandom(seed).fork('neural-cde'),
    // A clock that stands still: what a fit gives must not depend on how busy the machine is.
    clock: () => 0,
    signal,
  }
  // onnxruntime is several times as fast, and computes the plain encoder alone.
  const engine = await openEngine(encoder === 'plain' ? 'onnxruntime' : 'wasm', architecture)
  const gradients = gradientsHere(shardDataOf(input), signal, engine)
  try {
    const { parameters, epochs, bestEpoch } = await fitClassifier({ ...input, gradients })
    return { model: { form: 'classifier', architecture, scaling, parameters }, epochs: epochs.length, bestEpoch }
  } finally {
    await gradients.close()
  }
}

async function fitMarkov(
  dataset: Dataset,
  options: TrainingOptions,
  seed: number,
  signal?: AbortSignal,
): Promise<Fitted> {
  const { channels } = selectChannels(dataset)
  const model = await fitHmm({
    sequences: trainingSequences(dataset, channels),
    channels,
    options: options.hmm,
    random: createRandom(seed).fork('hmm'),
    signal,
  })
  return { model: { form: 'hmm', model } }
}

function fitRule(dataset: Dataset, options: TrainingOptions): Fitted {
  const { ends, labels } = trainingSamples(dataset, options)
  const rule = ruleModel([1, 1, 1])
  const answers = applyRule(buildWindows(ends, rule.knots, rule.channels))
  return { model: { form: 'rule', confidence: fitRuleConfidence(answers, labels) } }
}
