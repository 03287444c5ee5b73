import { InputError } from '#data/errors.ts'
import type { Random } from '#data/random.ts'
import { REGIMES } from '#models/regime.ts'
import {
  type BootstrapInterval,
  type BootstrapOptions,
  blockBootstrap,
  sumByHour,
} from '#statistics/block-bootstrap.ts'
import { NO_REGIME, sampleLogLoss } from '../metrics.ts'

const CLASSES = REGIMES.length
const CELLS = CLASSES * CLASSES

/** The classes that one model predicted, or the several runs of it (seeds), each `[n]` in sample order. */
export type Runs = Uint8Array | readonly Uint8Array[]

/** The samples that predictions belong to. */
interface Scored extends BootstrapOptions {
  /** `[n]`, UTC milliseconds; several coins share an hour. */
  readonly asOf: Float64Array
  /** `[n]`, index into `REGIMES`. */
  readonly label: Uint8Array
}

/** A difference between two models with its interval, see {@link BootstrapInterval}. */
export interface BootstrapDifference extends BootstrapInterval {
  /** First minus second; the same number as `estimate`. */
  readonly difference: number
}

/**
 * Macro-F1 of `first` minus macro-F1 of `second` on the samples that both answered, with an interval by paired
 * moving-block bootstrap: both models are scored on the same drawn hours, so what they find equally hard cancels.
 *
 * Given several runs (seeds) of a model, its score is the mean over the runs, and runs are drawn with replacement
 * beside the hours: the interval then speaks of training again as well as of another period.
 *
 * @param first classes 0..2, {@link NO_REGIME} where a model gave no answer: such a sample is left out for all
 * @throws {InputError} where lengths differ, no run is given, or an option is out of range
 */
export function bootstrapMacroF1Difference(
  input: Scored & { readonly first: Runs; readonly second: Runs },
): BootstrapDifference {
  const [first, second] = [runsOf(input.first), runsOf(input.second)]
  const interval = bootstrapRuns(input, [...first, ...second], (totals, random) => {
    return meanMacroF1(totals, 0, first.length, random) - meanMacroF1(totals, first.length, second.length, random)
  })
  return { ...interval, difference: interval.estimate }
}

/** Macro-F1 of one model with its interval; runs and unanswered samples as in {@link bootstrapMacroF1Difference}. */
export function bootstrapMacroF1(input: Scored & { readonly prediction: Runs }): BootstrapInterval {
  const runs = runsOf(input.prediction)
  return bootstrapRuns(input, runs, (totals, random) => meanMacroF1(totals, 0, runs.length, random))
}

/**
 * Log-loss of `first` minus log-loss of `second` in nats (negative: the first is better), on the samples that both
 * answered, with an interval by paired moving-block bootstrap.
 *
 * @param first row-major `[n, 3]`; a row with a `NaN` is a sample without an answer
 */
export function bootstrapLogLossDifference(
  input: Scored & { readonly first: Float32Array; readonly second: Float32Array },
): BootstrapDifference {
  const { asOf, label } = input
  checkLabels(label, asOf.length)
  checkLength('first', input.first.length, asOf.length * CLASSES)
  checkLength('second', input.second.length, asOf.length * CLASSES)
  const gap = Float64Array.from(
    label,
    (_, i) => sampleLogLoss(label, input.first, i) - sampleLogLoss(label, input.second, i),
  )
  const sums = sumByHour(
    asOf,
    2,
    (i) => !Number.isNaN(gap[i]),
    (i, cells, at) => {
      cells[at] += gap[i]
      cells[at + 1]++
    },
  )
  const mean = (totals: Float64Array) => totals[0] / totals[1]
  const interval = blockBootstrap(sums, mean, mean, input)
  return { ...interval, difference: interval.estimate }
}

function bootstrapRuns(
  { asOf, label, ...options }: Scored,
  runs: readonly Uint8Array[],
  score: (totals: Float64Array, random?: Random) => number,
): BootstrapInterval {
  checkLabels(label, asOf.length)
  for (const run of runs) {
    checkLength('prediction', run.length, asOf.length)
    const wrong = run.find((value) => value >= CLASSES && value !== NO_REGIME)
    if (wrong !== undefined) throw new InputError(`bootstrap: a prediction is ${wrong}, must be 0, 1, 2 or none`)
  }
  const sums = sumByHour(
    asOf,
    runs.length * CELLS,
    (i) => runs.every((run) => run[i] !== NO_REGIME),
    (i, cells, at) => {
      for (let r = 0; r < runs.length; r++) cells[at + r * CELLS + label[i] * CLASSES + runs[r][i]]++
    },
  )
  return blockBootstrap(
    sums,
    (totals) => score(totals),
    (totals) => score(totals, options.random),
    options,
  )
}

/** Mean over runs of the macro-F1 of their confusion counts; with `random`, over runs drawn with replacement. */
function meanMacroF1(totals: Float64Array, from: number, count: number, random?: Random): number {
  let sum = 0
  for (let r = 0; r < count; r++) {
    const run = random === undefined || count === 1 ? r : random.integer(count)
    sum += macroF1(totals, (from + run) * CELLS)
  }
  return sum / count
}

/** `classScores` without its arrays: this runs thousands of times. `NaN` where nothing was counted. */
function macroF1(counts: Float64Array, at: number): number {
  let sum = 0
  let n = 0
  for (let k = 0; k < CLASSES; k++) {
    let marginal = 0
    for (let j = 0; j < CLASSES; j++) {
      marginal += counts[at + k * CLASSES + j] + counts[at + j * CLASSES + k]
      n += counts[at + k * CLASSES + j]
    }
    if (marginal > 0) sum += (2 * counts[at + k * CLASSES + k]) / marginal
  }
  return n > 0 ? sum / CLASSES : Number.NaN
}

function runsOf(runs: Runs): readonly Uint8Array[] {
  const list = runs instanceof Uint8Array ? [runs] : runs
  if (list.length === 0) throw new InputError('a model to compare has no run')
  return list
}

function checkLabels(label: Uint8Array, wanted: number): void {
  checkLength('label', label.length, wanted)
  const wrong = label.findIndex((value) => value >= CLASSES)
  if (wrong >= 0) throw new InputError(`bootstrap: label of sample ${wrong} is ${label[wrong]}, must be 0, 1 or 2`)
}

function checkLength(what: string, length: number, wanted: number): void {
  if (length !== wanted) {
    throw new InputError(`bootstrap: ${what} has ${length} values, must have ${wanted}`, { what, length, wanted })
  }
}
