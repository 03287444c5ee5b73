import { REGIMES } from '#models/regime.ts'
import { classFrequencies } from '../dataset.ts'
import { classesOf } from '../evaluation.ts'
import { FORECAST_HOURS, forecastLabels, NO_LABEL } from '../labels.ts'
import { logLossSkill } from '../statistics/skill.ts'
import { applyTemperature, fitTemperature } from '../statistics/temperature.ts'
import type { Contestant } from './contestants.ts'
import type { Fit, FitData, FitTask } from './fit.ts'
import { macroF1On } from './score-fit.ts'
import type { TestBlock } from './test-blocks.ts'

/** What the reader must know of the forecast label. */
export const FORECAST_NOTE =
  'The forecast label looks at the next 24 hours only: chop if net move / path < 0.16, else trend or reversal against ' +
  'the last 24 hours. Nothing measured so far beats chance on it; it is here so that nobody takes the centred label, ' +
  'half of which lies in the past, for a forecast.'

/** A contestant that was trained on the forecast label, tested on it. */
export interface ForecastScore {
  readonly contestant: Contestant
  readonly fold: number
  readonly macroF1: number
  /** Macro-F1 that answers drawn at random with the training frequencies may expect. */
  readonly chance: number
  /** Log-loss skill over the training frequencies, after calibration on validation: 0 is no better than them. */
  readonly skill: number
  readonly hours: number
}

/** Fits on the forecast label: the logistic regression in every fold, the plain neural CDE in the last. */
export function forecastTasks(blocks: readonly TestBlock[], seed: number): FitTask[] {
  const task = (contestant: Contestant, { fold }: TestBlock): FitTask => ({
    contestant,
    fold,
    seed,
    target: 'forecast',
  })
  return [...blocks.map((block) => task('logistic', block)), ...blocks.slice(-1).map((block) => task('cde', block))]
}

/** Scores a fit on the label that it was trained on. */
export function scoreForecast(
  data: FitData,
  block: TestBlock,
  contestant: Contestant,
  fit: Fit | undefined,
): ForecastScore {
  const markets = data.markets.map((market) => ({ ...market, labels: forecastLabels(market.bars) }))
  const split = { ...block.fold, purgeHours: Math.max(block.fold.purgeHours, FORECAST_HOURS) }
  const { frequencies } = classFrequencies({ markets, split, label: data.label })
  const labelOf = new Map(markets.map(({ features, labels }) => [features, labels]))
  const validation = Uint8Array.from(block.validation.ends, ({ table, row }) => labelOf.get(table)![row])
  const shares = sharesOf(block.forecast)
  const answered = fit && {
    macroF1: macroF1On(block.forecast, classesOf(fit.test)),
    skill: calibratedSkill(block, validation, frequencies, fit),
  }
  return {
    contestant,
    fold: block.fold.fold,
    macroF1: answered?.macroF1 ?? Number.NaN,
    chance: chanceMacroF1(frequencies, shares),
    skill: answered?.skill ?? Number.NaN,
    hours: block.forecast.reduce((sum, label) => sum + (label === NO_LABEL ? 0 : 1), 0),
  }
}

function calibratedSkill(block: TestBlock, validation: Uint8Array, frequencies: readonly number[], fit: Fit): number {
  const [fitted, tested] = [labelled(validation, fit.validation), labelled(block.forecast, fit.test)]
  const temperature = fitTemperature(fitted.label, fitted.probabilities)
  return logLossSkill(tested.label, applyTemperature(tested.probabilities, temperature), frequencies).skill
}

/** The rows that have a label. */
function labelled(labels: Uint8Array, probabilities: Float32Array) {
  const rows = [...labels.keys()].filter((i) => labels[i] !== NO_LABEL)
  return {
    label: Uint8Array.from(rows, (i) => labels[i]),
    probabilities: Float32Array.from(rows.flatMap((i) => [...probabilities.subarray(i * 3, i * 3 + 3)])),
  }
}

function sharesOf(labels: Uint8Array): number[] {
  const counts = new Array<number>(REGIMES.length).fill(0)
  for (const label of labels) if (label !== NO_LABEL) counts[label]++
  const total = counts.reduce((sum, count) => sum + count, 0)
  return counts.map((count) => count / total)
}

/** Expected precision is the true share of a class, expected recall the share of the answers: F1 is their harmonic mean. */
function chanceMacroF1(answers: readonly number[], truth: readonly number[]): number {
  const f1 = answers.map((q, k) => (q + truth[k] > 0 ? (2 * q * truth[k]) / (q + truth[k]) : 0))
  return f1.reduce((sum, value) => sum + value, 0) / f1.length
}
