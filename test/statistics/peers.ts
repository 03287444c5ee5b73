import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What test/peers/statistics.py wrote; `null` stands for a number that is none. */
export interface Peers {
  distributions: Record<string, number[]>
  ranks: {
    name: string
    group: number[]
    value: (number | null)[]
    statistic: number
    p: number
    effect: number
    counts: number[]
    medians: (number | null)[]
    meanRanks: (number | null)[]
  }[]
  corrections: { p: number[]; corrected: number[] }[]
  calibrations: {
    name: string
    truth: number[]
    probabilities: number[]
    temperature: number
    lossAtTemperature: number
    calibrator: { temperature: number; bias: number[] }
    lossAtCalibrator: number
    firstCalibrated: number[]
  }[]
  states: {
    size: number
    training: number[]
    asked: number[]
    shrinkage: number
    distances: number[]
    quantile99: number
    two: { training: number[]; shrinkage: number; distances: number[]; unshrunk: number[] }
  }
  sharpe: {
    returns: number[]
    trialSharpes: number[]
    sharpe: number
    skewness: number
    kurtosis: number
    probabilistic: number
    expectedMaximum: number
    deflated: number
  }
  overfitting: {
    name: string
    trials: number
    blocks: number
    performance: 'sharpe' | 'mean'
    returns: number[]
    probability: number
    probabilityOfLoss: number
    slope: number
    logits: number[]
    periods: number
  }[]
}

export const peers = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/statistics.json'), 'utf8')) as Peers

/** `null` of the fixture back to what it was. */
export function known(values: (number | null)[]): Float64Array {
  return Float64Array.from(values, (value) => value ?? Number.NaN)
}

/** Largest distance of two lists, relative above 1, absolute below; endless where only one side is `NaN`. */
export function farthest(actual: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (actual.length !== wanted.length) return Number.POSITIVE_INFINITY
  let worst = 0
  for (let i = 0; i < wanted.length; i++) {
    if (Number.isNaN(wanted[i]) && Number.isNaN(actual[i])) continue
    const distance = Math.abs(actual[i] - wanted[i]) / Math.max(1, Math.abs(wanted[i]))
    worst = Math.max(worst, Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance)
  }
  return worst
}
