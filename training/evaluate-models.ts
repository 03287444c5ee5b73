import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { ProgressListener } from '#data/progress.ts'
import { createSimulatedProvider } from '#data/providers/simulated.ts'
import { createRandom } from '#data/random.ts'
import type { SourceSpec } from '#data/source.ts'
import { buildWindows } from '#data/windows.ts'
import { type RegimeModel, SERVED_KINDS } from '#models/regime.ts'
import { calibration } from './calibration.ts'
import { classFrequencies, type Samples as Ends, selectSamples } from './dataset.ts'
import {
  type CalibratedScore,
  classesOf,
  type Evaluation,
  evaluate,
  type ModelDifference,
  type Prediction,
  type Samples,
} from './evaluation.ts'
import { logLoss, NO_REGIME } from './metrics.ts'
import type { PreparedDataset } from './prepare.ts'
import { bootstrapMacroF1Difference } from './statistics/bootstrap.ts'
import { logLossSkill } from './statistics/skill.ts'
import { applyTemperature, fitTemperature } from './statistics/temperature.ts'

/** Windows that a model is asked for at a time. */
const BATCH = 2048
/** Continuations drawn for each moment of the best possible answer. */
const ORACLE_PATHS = 400
/** Hours that the bootstrap draws together: a centred label reaches 12 hours to either side. */
export const BLOCK_HOURS = 48

/** Asks `model` for every window; rows it cannot answer are `NaN`. */
export async function predict(model: RegimeModel, ends: Ends['ends']): Promise<Float32Array> {
  const probabilities = new Float32Array(ends.length * 3)
  for (let start = 0; start < ends.length; start += BATCH) {
    const windows = buildWindows(ends.slice(start, start + BATCH), model.knots, model.channels)
    probabilities.set(await model.estimate(windows), start * 3)
  }
  return probabilities
}

/**
 * Scores models on the test period of the coins evaluated, every hour of it, all on the same samples.
 *
 * @throws {InputError} where the test period has no labelled window
 */
export async function evaluateModels(
  dataset: PreparedDataset,
  models: readonly RegimeModel[],
  source: SourceSpec,
  context: { readonly progress?: ProgressListener; readonly seed: number },
): Promise<Evaluation> {
  const knots = Math.max(...models.map((model) => model.knots))
  const { ends, labels } = selectSamples(dataset, 'test', { knots, coins: new Set(dataset.coins) })
  if (ends.length === 0) throw new InputError('the test period has no labelled window')
  const predictions: Prediction[] = []
  for (const model of models) {
    context.progress?.({ stage: 'evaluate', done: predictions.length, total: models.length, note: model.name })
    predictions.push({ model: model.name, probabilities: await predict(model, ends) })
  }
  const samples = {
    coin: ends.map(({ table }) => table.coin),
    asOf: Float64Array.from(ends, ({ table, row }) => table.asOf[row]),
    label: labels,
  }
  const best = source.source === 'simulated' ? bestPossible(dataset, source, samples, context.seed) : {}
  const evaluation = evaluate({ samples, predictions, ...best })
  const calibrated = await calibrate(dataset, models, samples, predictions, knots)
  context.progress?.({ stage: 'evaluate', done: models.length, total: models.length })
  return {
    ...evaluation,
    models: Object.fromEntries(
      Object.entries(evaluation.models).map(([model, score]) => [model, { ...score, ...calibrated.get(model) }]),
    ),
    differences: leads(samples, predictions, context.seed),
  }
}

/** Fits a temperature to each model's answers on validation and scores its answers with it; models that did not answer there are left out. */
async function calibrate(
  dataset: PreparedDataset,
  models: readonly RegimeModel[],
  samples: Samples,
  predictions: readonly Prediction[],
  knots: number,
): Promise<Map<string, { calibrated: CalibratedScore }>> {
  const { ends, labels } = selectSamples(dataset, 'validation', { knots, coins: new Set(dataset.coins) })
  const { frequencies } = classFrequencies(dataset)
  const scores = new Map<string, { calibrated: CalibratedScore }>()
  for (const [i, model] of models.entries()) {
    const before = await predict(model, ends)
    if (classesOf(before).every((answer) => answer === NO_REGIME)) continue
    const temperature = fitTemperature(labels, before)
    const probabilities = applyTemperature(predictions[i].probabilities, temperature)
    const calibrated = {
      temperature,
      ece: calibration(samples.label, probabilities).ece,
      logLoss: logLoss(samples.label, probabilities),
      skill: logLossSkill(samples.label, probabilities, frequencies).skill,
    }
    scores.set(model.name, { calibrated })
  }
  return scores
}

/** Leads of the kinds that may serve over all others that answered, by paired moving-block bootstrap. */
function leads({ asOf, label }: Samples, predictions: readonly Prediction[], seed: number): ModelDifference[] {
  const random = createRandom(seed).fork('bootstrap')
  const answers = predictions
    .map(({ model, probabilities }) => ({ model, classes: classesOf(probabilities) }))
    .filter(({ classes }) => classes.some((answer) => answer !== NO_REGIME))
  return answers
    .filter(({ model }) => (SERVED_KINDS as readonly string[]).includes(model))
    .flatMap((first) =>
      answers
        .filter((second) => second !== first)
        .map((second) => {
          const { difference, low, high, p } = bootstrapMacroF1Difference({
            asOf,
            label,
            first: first.classes,
            second: second.classes,
            blockHours: BLOCK_HOURS,
            random: random.fork(`${first.model} ${second.model}`),
          })
          return { first: first.model, second: second.model, difference, low, high, p }
        }),
    )
}

/** On simulated data the true state is known, and with it the best probabilities that anyone could give. */
function bestPossible(
  dataset: PreparedDataset,
  source: Extract<SourceSpec, { source: 'simulated' }>,
  samples: { readonly coin: readonly string[]; readonly asOf: Float64Array },
  seed: number,
) {
  const market = createSimulatedProvider(source)
  const bestPossible = new Float32Array(samples.asOf.length * 3)
  const truth = new Uint8Array(samples.asOf.length)
  const random = createRandom(seed).fork('oracle')
  for (const coin of dataset.coins) {
    const rows = Array.from(samples.coin.keys()).filter((i) => samples.coin[i] === coin)
    const asOf = Float64Array.from(rows, (i) => samples.asOf[i])
    const { halfWidth, kappa } = dataset.label
    const answers = market.oracle(coin, asOf, { paths: ORACLE_PATHS, random, halfWidth, kappa })
    rows.forEach((i, j) => {
      bestPossible.set(answers.subarray(j * 3, j * 3 + 3), i * 3)
      // The regime of the bar that ends at asOf.
      truth[i] = market.regimes(coin, { from: asOf[j] - HOUR, to: asOf[j] })[0]
    })
  }
  return { bestPossible, truth }
}
