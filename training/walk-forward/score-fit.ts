import { REGIMES, type Regime } from '#models/regime.ts'
import { calibration } from '../calibration.ts'
import { classesOf, evaluate } from '../evaluation.ts'
import { NO_LABEL } from '../labels.ts'
import { classScores, confusionMatrix, logLoss, NO_REGIME } from '../metrics.ts'
import { logLossSkill } from '../statistics/skill.ts'
import {
  applyCalibrator,
  applyTemperature,
  type Calibrator,
  fitCalibrator,
  fitTemperature,
} from '../statistics/temperature.ts'
import type { Fit } from './fit.ts'
import { answersOf, type TestBlock } from './test-blocks.ts'

/** What probabilities are worth before and after calibration; fitted on validation, measured on the test block. */
export interface CalibrationScores {
  /** Log-loss in nats. */
  readonly logLoss: { readonly raw: number; readonly temperature: number; readonly biased: number }
  /** Expected calibration error of the top label. */
  readonly ece: { readonly raw: number; readonly temperature: number; readonly biased: number }
  /** Log-loss skill over the class frequencies of the training part. */
  readonly skill: { readonly raw: number; readonly temperature: number; readonly biased: number }
}

/** One fit on the block it was tested on, and on the validation part before it. */
export interface FitScore extends CalibrationScores {
  readonly fold: number
  readonly seed: number
  readonly unanswered: number
  readonly macroF1: number
  readonly accuracy: number
  readonly f1: Readonly<Record<Regime, number>>
  readonly churnPerDay: number
  readonly meanDwellHours: number
  readonly occupancy: Readonly<Record<Regime, number>>
  /** The smallest of them. */
  readonly leastOccupied: number
  readonly coins: Readonly<Record<string, number>>
  /** The same answers held against the forecast label. */
  readonly forecastMacroF1: number
  readonly temperature: number
  readonly bias: readonly number[]
  /** Log-loss after calibration on the validation part itself. */
  readonly validationLogLoss: number
  readonly validationMacroF1: number
  readonly epochs?: number
  readonly bestEpoch?: number
}

/** What is fitted to a fit's answers on validation. */
export interface FittedCalibration {
  readonly temperature: number
  /** Temperature and a bias a class; the temperature alone where validation lacks a class. */
  readonly biased: Calibrator
}

/**
 * Fits temperature and biases to the answers on the validation part: nothing of the test block is looked at.
 *
 * @returns undefined where it answered no hour of it
 */
export function calibrateFit(label: Uint8Array, fit: Fit): FittedCalibration | undefined {
  const answered = classesOf(fit.validation)
  if (answered.every((answer) => answer === NO_REGIME)) return undefined
  const temperature = fitTemperature(label, fit.validation)
  const present = REGIMES.every((_, k) => label.some((value, i) => value === k && answered[i] !== NO_REGIME))
  return { temperature, biased: present ? fitCalibrator(label, fit.validation) : { temperature, bias: [0, 0, 0] } }
}

/** Scores one fit; everything is `NaN` where it failed. */
export function scoreFit(block: TestBlock, seed: number, fit: Fit | undefined): FitScore {
  const { samples, forecast, validation, frequencies } = block
  const { label } = samples
  const raw = answersOf(fit?.test, label.length)
  const { models } = evaluate({ samples, predictions: [{ model: 'fit', probabilities: raw }] })
  const { macroF1, accuracy, f1, unanswered, churnPerDay, meanDwellHours, occupancy, perCoin } = models.fit
  const calibrators = fit && calibrateFit(validation.labels, fit)
  const variants = {
    raw,
    temperature: calibrators ? applyTemperature(raw, calibrators.temperature) : raw,
    biased: calibrators ? applyCalibrator(raw, calibrators.biased) : raw,
  }
  const each = (score: (probabilities: Float32Array) => number) => ({
    raw: score(variants.raw),
    temperature: score(variants.temperature),
    biased: score(variants.biased),
  })
  return {
    fold: block.fold.fold,
    seed,
    unanswered,
    macroF1,
    accuracy,
    f1,
    churnPerDay,
    meanDwellHours,
    occupancy,
    leastOccupied: Math.min(...REGIMES.map((regime) => occupancy[regime])),
    coins: Object.fromEntries(Object.entries(perCoin).map(([coin, score]) => [coin, score.macroF1])),
    forecastMacroF1: macroF1On(forecast, classesOf(raw)),
    temperature: calibrators?.temperature ?? Number.NaN,
    bias: calibrators?.biased.bias ?? [],
    logLoss: each((probabilities) => logLoss(label, probabilities)),
    ece: each((probabilities) => calibration(label, probabilities).ece),
    skill: each((probabilities) => logLossSkill(label, probabilities, frequencies).skill),
    validationLogLoss:
      fit && calibrators
        ? logLoss(validation.labels, applyTemperature(fit.validation, calibrators.temperature))
        : Number.NaN,
    validationMacroF1: fit ? macroF1On(validation.labels, classesOf(fit.validation)) : Number.NaN,
    ...(fit?.epochs !== undefined && { epochs: fit.epochs, bestEpoch: fit.bestEpoch }),
  }
}

/** Macro-F1 of `classes` on the samples that have a label. */
export function macroF1On(labels: Uint8Array, classes: Uint8Array): number {
  const labelled = [...labels.keys()].filter((i) => labels[i] !== NO_LABEL)
  const pick = (values: Uint8Array) => Uint8Array.from(labelled, (i) => values[i])
  return classScores(confusionMatrix(pick(labels), pick(classes))).macroF1
}
