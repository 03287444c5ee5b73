import { InputError, ModelError } from '#data/errors.ts'
import { mostProbable, REGIMES, type Regime } from '#models/regime.ts'
import { calibration, type ReliabilityBin } from './calibration.ts'
import {
  type ClassScores,
  classScores,
  confusionMatrix,
  hourlyOrder,
  logLoss,
  meanDivergence,
  NO_REGIME,
  occupancy,
  type Stability,
  stability,
} from './metrics.ts'

/** A class predicted less often than this makes a model `collapsed`: it has in effect given up a regime. */
export const COLLAPSE_SHARE = 0.02
/** Probability rows may miss a sum of 1 by this much (float32 softmax, other runtimes). */
const SUM_TOLERANCE = 1e-3
/** Macro-F1 values nearer than this are a tie between coins' winners. */
const TIE = 1e-9

/** What is to be scored: one row a coin and hour. */
export interface Samples {
  readonly coin: readonly string[]
  /** `[n]`, UTC milliseconds. */
  readonly asOf: Float64Array
  /** `[n]`, index into `REGIMES`. */
  readonly label: Uint8Array
}

/** The answers of one model, row-major `[n, 3]`; a row with a `NaN` is an hour it did not answer. */
export interface Prediction {
  readonly model: string
  readonly probabilities: Float32Array
}

/** Input of {@link evaluate}. */
export interface EvaluationInput {
  readonly samples: Samples
  readonly predictions: readonly Prediction[]
  /** `[n, 3]`: the best probabilities that anyone could give (simulated data only). */
  readonly bestPossible?: Float32Array
  /** `[n]`: the regimes the simulator really was in, which the labels only approximate. */
  readonly truth?: Uint8Array
}

/** Scores on one coin. */
export interface CoinScore {
  readonly n: number
  readonly accuracy: number
  readonly macroF1: number
  readonly f1: Record<Regime, number>
}

/**
 * Everything measured on one model, over the hours it answered. `NaN` (`null` in JSON) where nothing could be
 * measured.
 */
export interface ModelScore extends Stability {
  readonly answered: number
  readonly unanswered: number
  readonly accuracy: number
  readonly macroF1: number
  readonly f1: Record<Regime, number>
  readonly precision: Record<Regime, number>
  readonly recall: Record<Regime, number>
  /** Nats. */
  readonly logLoss: number
  /** Expected calibration error, see `calibration.ts`. */
  readonly ece: number
  /** Share of each class among the predictions. */
  readonly occupancy: Record<Regime, number>
  /** True when some class has less than {@link COLLAPSE_SHARE} of the predictions. */
  readonly collapsed: boolean
  /** `[3][3]`: rows truth, columns prediction. */
  readonly confusion: number[][]
  readonly reliability: readonly ReliabilityBin[]
  readonly perCoin: Record<string, CoinScore>
  /** How far from the best possible (simulated data only); positive means worse. */
  readonly distance?: { readonly macroF1: number; readonly logLoss: number; readonly divergence: number }
  /** Scores against the simulator's own regimes instead of the labels (simulated data only). */
  readonly againstTruth?: { readonly accuracy: number; readonly macroF1: number }
  /** The same answers after a temperature that was fitted on validation. */
  readonly calibrated?: CalibratedScore
}

/** What probabilities are worth after calibration on validation; see `statistics/temperature.ts`. */
export interface CalibratedScore {
  readonly temperature: number
  readonly ece: number
  /** Nats. */
  readonly logLoss: number
  /** Log-loss skill over the class frequencies of the training fold. */
  readonly skill: number
}

/** Lead of one model over another in macro-F1, with its 95 % bootstrap interval (`NaN` where hours are too few). */
export interface ModelDifference {
  readonly first: string
  readonly second: string
  readonly difference: number
  readonly low: number
  readonly high: number
  readonly p: number
}

/** Who is best on a coin, over the hours that every model with an answer there answered. */
export interface Winner {
  /** More than one name is a tie; none when there was no common hour. */
  readonly models: readonly string[]
  readonly macroF1: number
  readonly n: number
}

/** The comparison of all models on one test set: plain data, ready for JSON. */
export interface Evaluation {
  readonly samples: number
  readonly coins: readonly string[]
  /** The labels themselves: what churn and occupancy a perfect answer would have. */
  readonly labels: Stability & { readonly occupancy: Record<Regime, number> }
  readonly models: Record<string, ModelScore>
  readonly winners: Record<string, Winner>
  /** Scores of the best possible probabilities (simulated data only). */
  readonly optimum?: ModelScore
  /** Leads of CDE and HMM; left out where they were not asked for. */
  readonly differences?: readonly ModelDifference[]
}

/**
 * Scores every model on the same samples.
 *
 * @throws {InputError} when lengths do not match, a label is not 0..2, a model is named twice, or a coin has two
 *   samples at one time
 * @throws {ModelError} when a row of probabilities is not a distribution
 */
export function evaluate(input: EvaluationInput): Evaluation {
  const { samples, predictions, bestPossible } = input
  checkInput(input)
  const byCoin = indicesByCoin(samples.coin)
  const order = hourlyOrder(samples.coin, samples.asOf)
  const score = (model: string, probabilities: Float32Array): ModelScore => {
    const prediction = decide(model, probabilities)
    const confusion = confusionMatrix(samples.label, prediction)
    const { n, accuracy, macroF1, f1, precision, recall } = classScores(confusion)
    const { bins, ece } = calibration(samples.label, probabilities)
    const share = occupancy(prediction)
    const perCoin: Record<string, CoinScore> = {}
    for (const [coin, indices] of byCoin) perCoin[coin] = coinScore(subsetScores(samples.label, prediction, indices))
    return {
      answered: n,
      unanswered: samples.label.length - n,
      accuracy,
      macroF1,
      f1: byRegime(f1),
      precision: byRegime(precision),
      recall: byRegime(recall),
      logLoss: logLoss(samples.label, probabilities),
      ece,
      ...stability(order, prediction),
      occupancy: byRegime(share),
      collapsed: share.some((value) => value < COLLAPSE_SHARE),
      confusion: REGIMES.map((_, k) => [...confusion.subarray(k * REGIMES.length, (k + 1) * REGIMES.length)]),
      reliability: bins,
      perCoin,
      ...(input.truth && { againstTruth: truthScore(input.truth, prediction) }),
    }
  }

  const optimum = bestPossible && score('best possible', bestPossible)
  const models: Record<string, ModelScore> = {}
  for (const { model, probabilities } of predictions) {
    const own = score(model, probabilities)
    models[model] =
      optimum && bestPossible ? { ...own, distance: distanceTo(samples.label, bestPossible, probabilities, own) } : own
  }
  return {
    samples: samples.label.length,
    coins: [...byCoin.keys()],
    labels: { occupancy: byRegime(occupancy(samples.label)), ...stability(order, samples.label) },
    models,
    winners: findWinners(samples.label, predictions, byCoin),
    ...(optimum && { optimum }),
  }
}

function byRegime(values: readonly number[]): Record<Regime, number> {
  return { chop: values[0], trend: values[1], reversal: values[2] }
}

function coinScore({ n, accuracy, macroF1, f1 }: ClassScores): CoinScore {
  return { n, accuracy, macroF1, f1: byRegime(f1) }
}

function truthScore(truth: Uint8Array, prediction: Uint8Array): { accuracy: number; macroF1: number } {
  const { accuracy, macroF1 } = classScores(confusionMatrix(truth, prediction))
  return { accuracy, macroF1 }
}

/** Gap to the best possible on the hours that the model answered, so that silence cannot shrink it. */
function distanceTo(label: Uint8Array, best: Float32Array, probabilities: Float32Array, own: ModelScore) {
  const common = best.slice()
  for (let i = 0; i < common.length; i++) if (Number.isNaN(probabilities[i])) common[i] = Number.NaN
  const optimum = classScores(confusionMatrix(label, decide('best possible', common)))
  return {
    macroF1: optimum.macroF1 - own.macroF1,
    logLoss: own.logLoss - logLoss(label, common),
    divergence: meanDivergence(best, probabilities),
  }
}

/** The most probable class of each row; {@link NO_REGIME} for a row with a `NaN`. */
export function classesOf(probabilities: Float32Array): Uint8Array {
  return Uint8Array.from({ length: probabilities.length / REGIMES.length }, (_, i) => {
    const start = i * REGIMES.length
    const sum = probabilities[start] + probabilities[start + 1] + probabilities[start + 2]
    return Number.isNaN(sum) ? NO_REGIME : mostProbable(probabilities, i)
  })
}

/** {@link classesOf} of rows that are checked to be distributions. */
function decide(model: string, probabilities: Float32Array): Uint8Array {
  const prediction = classesOf(probabilities)
  for (let i = 0; i < prediction.length; i++) {
    if (prediction[i] === NO_REGIME) continue
    const start = i * REGIMES.length
    const sum = probabilities[start] + probabilities[start + 1] + probabilities[start + 2]
    const smallest = Math.min(probabilities[start], probabilities[start + 1], probabilities[start + 2])
    if (smallest < 0 || Math.abs(sum - 1) > SUM_TOLERANCE) {
      const row = [...probabilities.subarray(start, start + REGIMES.length)]
      throw new ModelError(`${model}: row ${i} is not a distribution over ${REGIMES.join(', ')}: ${row.join(', ')}`, {
        model,
        row: i,
        value: row,
      })
    }
  }
  return prediction
}

function subsetScores(label: Uint8Array, prediction: Uint8Array, indices: Uint32Array): ClassScores {
  const truth = Uint8Array.from(indices, (i) => label[i])
  return classScores(
    confusionMatrix(
      truth,
      Uint8Array.from(indices, (i) => prediction[i]),
    ),
  )
}

function indicesByCoin(coin: readonly string[]): Map<string, Uint32Array> {
  const lists = new Map<string, number[]>()
  coin.forEach((name, i) => {
    const list = lists.get(name)
    if (list) list.push(i)
    else lists.set(name, [i])
  })
  return new Map([...lists].map(([name, list]) => [name, Uint32Array.from(list)]))
}

function findWinners(
  label: Uint8Array,
  predictions: readonly Prediction[],
  byCoin: Map<string, Uint32Array>,
): Record<string, Winner> {
  const decided = predictions.map(({ model, probabilities }) => ({ model, prediction: decide(model, probabilities) }))
  const winners: Record<string, Winner> = {}
  for (const [coin, indices] of byCoin) {
    // A model that answered only easy hours must not win by silence: all are compared on the hours they share.
    const present = decided.filter(({ prediction }) => indices.some((i) => prediction[i] !== NO_REGIME))
    const common = indices.filter((i) => present.every(({ prediction }) => prediction[i] !== NO_REGIME))
    const scores = present.map(({ prediction }) => subsetScores(label, prediction, common).macroF1)
    const macroF1 = Math.max(...scores)
    const measured = present.length > 0 && common.length > 0
    winners[coin] = {
      models: measured ? present.filter((_, k) => macroF1 - scores[k] < TIE).map(({ model }) => model) : [],
      macroF1: measured ? macroF1 : Number.NaN,
      n: measured ? common.length : 0,
    }
  }
  return winners
}

function checkInput({ samples, predictions, bestPossible, truth }: EvaluationInput): void {
  const n = samples.label.length
  const expect = (what: string, length: number, wanted: number) => {
    if (length === wanted) return
    throw new InputError(`${what} has ${length} values, must have ${wanted} for ${n} samples`, { what, length, wanted })
  }
  expect('samples.coin', samples.coin.length, n)
  expect('samples.asOf', samples.asOf.length, n)
  if (bestPossible) expect('bestPossible', bestPossible.length, n * REGIMES.length)
  if (truth) expect('truth', truth.length, n)
  for (const [field, values] of [['label', samples.label] as const, ['truth', truth] as const]) {
    const wrong = values?.findIndex((value) => value >= REGIMES.length) ?? -1
    if (wrong < 0) continue
    const value = values?.[wrong]
    throw new InputError(`${field} of sample ${wrong} (${samples.coin[wrong]}) must be 0, 1 or 2, got ${value}`, {
      field,
      value,
    })
  }
  const names = new Set<string>()
  for (const { model, probabilities } of predictions) {
    expect(`probabilities of ${model}`, probabilities.length, n * REGIMES.length)
    if (names.has(model)) throw new InputError(`model ${model} is given twice`, { model })
    names.add(model)
  }
}
