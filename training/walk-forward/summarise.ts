import { REGIMES, type Regime } from '#models/regime.ts'
import { calibration, type ReliabilityBin } from '../calibration.ts'
import { hourlyOrder, occupancy, type Stability, stability } from '../metrics.ts'
import { type Dwell, dwellTimes } from '../statistics/dwell.ts'
import { applyCalibrator, applyTemperature } from '../statistics/temperature.ts'
import { calibrateFit, type FitScore } from './score-fit.ts'
import { type Spread, spread } from './spread.ts'
import { pooledClasses, pooledSamples, type Run, type TestBlock } from './test-blocks.ts'

/** Figures that every contestant has, over seeds and folds. */
export const METRICS = {
  macroF1: (score: FitScore) => score.macroF1,
  accuracy: (score: FitScore) => score.accuracy,
  f1Chop: (score: FitScore) => score.f1.chop,
  f1Trend: (score: FitScore) => score.f1.trend,
  f1Reversal: (score: FitScore) => score.f1.reversal,
  /** Nats. */
  logLoss: (score: FitScore) => score.logLoss.raw,
  logLossCalibrated: (score: FitScore) => score.logLoss.temperature,
  logLossBiased: (score: FitScore) => score.logLoss.biased,
  skill: (score: FitScore) => score.skill.raw,
  skillCalibrated: (score: FitScore) => score.skill.temperature,
  skillBiased: (score: FitScore) => score.skill.biased,
  ece: (score: FitScore) => score.ece.raw,
  eceCalibrated: (score: FitScore) => score.ece.temperature,
  eceBiased: (score: FitScore) => score.ece.biased,
  temperature: (score: FitScore) => score.temperature,
  churnPerDay: (score: FitScore) => score.churnPerDay,
  meanDwellHours: (score: FitScore) => score.meanDwellHours,
  leastOccupied: (score: FitScore) => score.leastOccupied,
  unanswered: (score: FitScore) => score.unanswered,
  /** The same answers against the forecast label. */
  forecastMacroF1: (score: FitScore) => score.forecastMacroF1,
  validationMacroF1: (score: FitScore) => score.validationMacroF1,
  validationLogLoss: (score: FitScore) => score.validationLogLoss,
} as const satisfies Record<string, (score: FitScore) => number>
export type Metric = keyof typeof METRICS
export type Metrics = Readonly<Record<Metric, Spread>>

/** Reliability on the last test block, all seeds together. */
export interface Reliability {
  readonly bins: readonly ReliabilityBin[]
  readonly ece: number
}

/** All that was measured on one contestant. */
export interface ContestantSummary {
  readonly seeds: number
  /** Over all folds and seeds. */
  readonly all: Metrics
  /** Over the seeds of the last fold. */
  readonly last: Metrics
  readonly folds: readonly { readonly fold: number; readonly metrics: Metrics }[]
  /** Macro-F1 on each coin. */
  readonly coins: Readonly<Record<string, { readonly all: Spread; readonly last: Spread }>>
  /** Expected hours in each regime, mean over seeds, over all test blocks. */
  readonly expectedDwellHours: Readonly<Record<Regime, number>>
  /** Share of the hours of all test blocks in each regime, mean over seeds. */
  readonly occupancy: Readonly<Record<Regime, number>>
  readonly reliability: { readonly raw: Reliability; readonly temperature: Reliability; readonly biased: Reliability }
  readonly fits: readonly FitScore[]
}

/** Puts the scores of one contestant together. @param scores by fold, one a seed */
export function summariseContestant(
  blocks: readonly TestBlock[],
  runs: readonly Run[],
  scores: readonly (readonly FitScore[])[],
  coins: readonly string[],
): ContestantSummary {
  const which = [...blocks.keys()]
  const last = scores.slice(-1)
  const onCoin = (coin: string, over: typeof scores) =>
    spread(over.map((fold) => fold.map((score) => score.coins[coin] ?? Number.NaN)))
  const { coin, asOf } = pooledSamples(blocks, which)
  const order = hourlyOrder(coin, asOf)
  const classes = runs.map((run) => pooledClasses(run, blocks, which))
  const dwells = classes.map((answers) => dwellTimes(order, answers))
  const shares = classes.map(occupancy)
  return {
    seeds: runs.length,
    all: metricsOf(scores),
    last: metricsOf(last),
    folds: scores.map((fold, k) => ({ fold: blocks[k].fold.fold, metrics: metricsOf([fold]) })),
    coins: Object.fromEntries(coins.map((name) => [name, { all: onCoin(name, scores), last: onCoin(name, last) }])),
    expectedDwellHours: byRegime((regime) => meanKnown(dwells.map((dwell) => dwell[regime].expectedHours))),
    occupancy: byRegime((_, k) => meanKnown(shares.map((share) => share[k]))),
    reliability: reliabilityOf(blocks[blocks.length - 1], runs),
    fits: scores.flat(),
  }
}

function metricsOf(scores: readonly (readonly FitScore[])[]): Metrics {
  const entries = Object.entries(METRICS).map(([name, read]) => [name, spread(scores.map((fold) => fold.map(read)))])
  return Object.fromEntries(entries) as Metrics
}

function byRegime(value: (regime: Regime, k: number) => number): Record<Regime, number> {
  return Object.fromEntries(REGIMES.map((regime, k) => [regime, value(regime, k)])) as Record<Regime, number>
}

function meanKnown(values: readonly number[]): number {
  const known = values.filter((value) => !Number.isNaN(value))
  return known.reduce((sum, value) => sum + value, 0) / known.length
}

/** Reliability of the last block before and after calibration; seeds are laid end to end. */
function reliabilityOf(block: TestBlock, runs: readonly Run[]): ContestantSummary['reliability'] {
  const fits = runs.flatMap(({ fits }) => fits.at(-1) ?? [])
  const n = block.samples.label.length
  const truth = new Uint8Array(n * fits.length)
  const variants = {
    raw: new Float32Array(truth.length * 3),
    temperature: new Float32Array(truth.length * 3),
    biased: new Float32Array(truth.length * 3),
  }
  fits.forEach((fit, s) => {
    const found = calibrateFit(block.validation.labels, fit)
    truth.set(block.samples.label, s * n)
    variants.raw.set(fit.test, s * n * 3)
    variants.temperature.set(found ? applyTemperature(fit.test, found.temperature) : fit.test, s * n * 3)
    variants.biased.set(found ? applyCalibrator(fit.test, found.biased) : fit.test, s * n * 3)
  })
  return {
    raw: calibration(truth, variants.raw),
    temperature: calibration(truth, variants.temperature),
    biased: calibration(truth, variants.biased),
  }
}

/** What a perfect answer would look like: the labels themselves, over all test blocks. */
export interface LabelSummary extends Stability {
  readonly occupancy: Readonly<Record<Regime, number>>
  readonly dwell: Readonly<Record<Regime, Dwell>>
}

/** Churn, occupancy and dwell of the labels. */
export function summariseLabels(blocks: readonly TestBlock[]): LabelSummary {
  const { coin, asOf, label } = pooledSamples(blocks, [...blocks.keys()])
  const order = hourlyOrder(coin, asOf)
  const share = occupancy(label)
  return { ...stability(order, label), occupancy: byRegime((_, k) => share[k]), dwell: dwellTimes(order, label) }
}

/** Who has the highest mean macro-F1 on a coin. */
export interface CoinWinner {
  readonly all: string
  readonly last: string
}

/** The winner of each coin by mean over seeds, over all folds and on the last; `''` where nothing was measured. */
export function coinWinners(
  summaries: Readonly<Record<string, ContestantSummary>>,
  coins: readonly string[],
): Record<string, CoinWinner> {
  const best = (coin: string, over: 'all' | 'last') => {
    const known = Object.entries(summaries)
      .map(([name, { coins: scores }]) => ({ name, mean: scores[coin][over].mean }))
      .filter(({ mean }) => !Number.isNaN(mean))
    return known.sort((a, b) => b.mean - a.mean)[0]?.name ?? ''
  }
  return Object.fromEntries(coins.map((coin) => [coin, { all: best(coin, 'all'), last: best(coin, 'last') }]))
}
