import { REGIMES } from '#models/regime.ts'
import { classFrequencies, type Samples as Ends } from '../dataset.ts'
import { classesOf, type Samples } from '../evaluation.ts'
import { forecastLabels } from '../labels.ts'
import { CONTESTANTS, type Contestant, FIELDS, type Field } from './contestants.ts'
import { type Fit, type FitData, foldSamples } from './fit.ts'
import type { Fold } from './folds.ts'

/** The hours that one fold is tested on, and what is known of the time before them. */
export interface TestBlock {
  readonly fold: Fold
  /** With the centred label. */
  readonly samples: Samples
  readonly ends: Ends['ends']
  /** `[n]`: the forecast label of each sample; 255 where there is none. */
  readonly forecast: Uint8Array
  readonly validation: Ends
  /** Labelled hours of the training part, all coins. */
  readonly trainHours: number
  /** `[3]`: share of each class among them. */
  readonly frequencies: readonly number[]
}

/** Gathers what each fold is tested on. */
export function testBlocks(data: FitData, folds: readonly Fold[]): TestBlock[] {
  const forecasts = new Map(data.markets.map(({ bars, features }) => [features, forecastLabels(bars)]))
  return folds.map((fold) => {
    const { ends, labels } = foldSamples(data, fold, 'test')
    const { frequencies, hours } = classFrequencies({ ...data, split: fold })
    return {
      fold,
      ends,
      samples: {
        coin: ends.map(({ table }) => table.coin),
        asOf: Float64Array.from(ends, ({ table, row }) => table.asOf[row]),
        label: labels,
      },
      forecast: Uint8Array.from(ends, ({ table, row }) => forecasts.get(table)![row]),
      validation: foldSamples(data, fold, 'validation'),
      trainHours: hours,
      frequencies,
    }
  })
}

/** One seed of a contestant, through all folds. */
export interface Run {
  readonly seed: number
  /** By fold; undefined where the fit failed. */
  readonly fits: readonly (Fit | undefined)[]
}

/** The runs of each contestant: one a seed, or one altogether where chance has no say. */
export type Runs = Record<Contestant, readonly Run[]>

/** Puts fits into the order of contestants, seeds and folds. */
export function gatherRuns(
  folds: readonly Fold[],
  seedsOf: (contestant: Contestant) => readonly number[],
  fitOf: (contestant: Contestant, seed: number, fold: Fold) => Fit | undefined,
): Runs {
  const runsOf = (contestant: Contestant): Run[] =>
    seedsOf(contestant).map((one) => ({
      seed: one,
      fits: folds.map((fold) => fitOf(contestant, one, fold)),
    }))
  return Object.fromEntries(CONTESTANTS.map((contestant) => [contestant, runsOf(contestant)])) as unknown as Runs
}

/** The runs of the field that was chosen for each fold. */
export function chosenRuns(runs: Runs, fields: readonly Field[]): Run[] {
  return runs[FIELDS[0]].map(({ seed }, s) => ({ seed, fits: fields.map((field, k) => runs[field][s].fits[k]) }))
}

/** Probabilities on `samples` rows; all `NaN` where there is no fit. */
export function answersOf(probabilities: Float32Array | undefined, samples: number): Float32Array {
  return probabilities ?? new Float32Array(samples * REGIMES.length).fill(Number.NaN)
}

/** Classes that a run answered, over the blocks chosen, one block after the other. */
export function pooledClasses(run: Run, blocks: readonly TestBlock[], which: readonly number[]): Uint8Array {
  return concatenateBytes(which.map((k) => classesOf(answersOf(run.fits[k]?.test, blocks[k].samples.label.length))))
}

/** The samples of several blocks, one after the other; `label` is the centred one. */
export function pooledSamples(blocks: readonly TestBlock[], which: readonly number[]) {
  const chosen = which.map((k) => blocks[k])
  return {
    coin: chosen.flatMap(({ samples }) => [...samples.coin]),
    asOf: Float64Array.from(chosen.flatMap(({ samples }) => [...samples.asOf])),
    label: concatenateBytes(chosen.map(({ samples }) => samples.label)),
    forecast: concatenateBytes(chosen.map(({ forecast }) => forecast)),
    ends: chosen.flatMap(({ ends }) => [...ends]),
  }
}

function concatenateBytes(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}
