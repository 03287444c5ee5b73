import { type Bars, HOUR, type TimeRange } from '#data/bars.ts'
import { CONTEXT_FEATURES, computeFeatures, FEATURES, type Feature, type FeatureTable } from '#data/features.ts'
import { type WindowEnd, windowRows } from '#data/windows.ts'
import { REGIMES } from '#models/regime.ts'
import { fitScaling, type Scaling } from '#models/scaling.ts'
import { CENTRED_LABEL, centredLabels, type LabelDefinition, NO_LABEL } from './labels.ts'
import { type Part, partOf, type Split } from './splits.ts'

/** One coin with everything training needs: bars, features and labels share their rows. */
export interface Market {
  readonly bars: Bars
  readonly features: FeatureTable
  /** 0 chop, 1 trend, 2 reversal, 255 none. */
  readonly labels: Uint8Array
}

/** Labelled places at which windows end. */
export interface Samples {
  readonly ends: readonly WindowEnd[]
  readonly labels: Uint8Array
}

/** All markets of a source with their split in time. */
export interface Dataset {
  readonly markets: readonly Market[]
  readonly split: Split
  readonly label: LabelDefinition
}

/** Computes features and labels of every coin. */
export function buildMarkets(bars: readonly Bars[], label: LabelDefinition = CENTRED_LABEL): Market[] {
  return bars.map((coinBars) => {
    const features = computeFeatures(coinBars)
    return { bars: coinBars, features, labels: centredLabels(coinBars, features, label) }
  })
}

/** Range of `asOf` for which at least one market has usable rows; undefined where none has. */
export function usableRange(markets: readonly Market[], within: TimeRange): TimeRange | undefined {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const { features } of markets) {
    for (let row = 0; row < features.asOf.length; row++) {
      const asOf = features.asOf[row]
      if (Number.isNaN(features.sigma[row]) || asOf < within.from || asOf >= within.to) continue
      from = Math.min(from, asOf)
      to = Math.max(to, asOf + HOUR)
    }
  }
  return from < to ? { from, to } : undefined
}

export interface SampleOptions {
  /** Knots a window must have. */
  readonly knots: number
  /** Coins to take; all of them by default. */
  readonly coins?: ReadonlySet<string>
  /** Take every n-th hour (by `asOf`, so that coins stay in step). */
  readonly stride?: number
}

/** Labelled windows of one part of the split, coin by coin in time order. */
export function selectSamples(dataset: Dataset, part: Part, options: SampleOptions): Samples {
  const { knots, coins, stride = 1 } = options
  const ends: WindowEnd[] = []
  const labels: number[] = []
  for (const { features, labels: marketLabels } of dataset.markets) {
    if (coins && !coins.has(features.coin)) continue
    for (const row of windowRows(features, knots)) {
      const asOf = features.asOf[row]
      if (marketLabels[row] === NO_LABEL || partOf(dataset.split, asOf) !== part) continue
      if (stride > 1 && (asOf / HOUR) % stride !== 0) continue
      ends.push({ table: features, row })
      labels.push(marketLabels[row])
    }
  }
  return { ends, labels: Uint8Array.from(labels) }
}

/** Share of each class among the labelled hours of the training part, `[3]`, and how many these are. */
export function classFrequencies({ markets, split }: Dataset): { frequencies: number[]; hours: number } {
  const counts = new Array<number>(REGIMES.length).fill(0)
  for (const { features, labels } of markets) {
    for (let row = 0; row < labels.length; row++) {
      if (labels[row] !== NO_LABEL && partOf(split, features.asOf[row]) === 'train') counts[labels[row]]++
    }
  }
  const hours = counts.reduce((sum, count) => sum + count, 0)
  return { frequencies: counts.map((count) => count / hours), hours }
}

/** Training windows from which on leaving out neighbours, which share most of their knots, costs nothing. */
const ENOUGH_WINDOWS = 20_000

/** The stride asked for, or a smaller one where it would leave fewer than `enough` of `windows`. */
export function usefulStride(windows: number, asked: number, enough = ENOUGH_WINDOWS): number {
  return Math.max(1, Math.min(asked, Math.floor(windows / enough)))
}

/** What of the feature channels a model can use, learned from the training fold alone. */
export interface ChannelSelection {
  readonly channels: readonly Feature[]
  /** Channels with at least one missing value past the warm-up. */
  readonly sometimesMissing: readonly Feature[]
  readonly scaling: Scaling
}

/**
 * Chooses the channels that have values in the training fold and fits their scaling there.
 * A feature missing in the whole fold is left out, and so is context that never changes in it (a fold without a weekend).
 */
export function selectChannels(dataset: Dataset): ChannelSelection {
  const rows: { table: FeatureTable; from: number; to: number }[] = []
  for (const { features } of dataset.markets) {
    const known = features.sigma.findIndex((value) => !Number.isNaN(value))
    const end = features.asOf.findIndex((asOf) => asOf >= dataset.split.train.to)
    if (known >= 0) rows.push({ table: features, from: known, to: end < 0 ? features.asOf.length : end })
  }
  const width = FEATURES.length
  const missing = new Uint32Array(width)
  let total = 0
  for (const { table, from, to } of rows) {
    for (let row = from; row < to; row++, total++) {
      for (let c = 0; c < width; c++) if (Number.isNaN(table.values[row * width + c])) missing[c]++
    }
  }
  const changes = (c: number) => {
    const first = rows[0]?.table.values[rows[0].from * width + c]
    return rows.some(({ table, from, to }) => {
      for (let row = from; row < to; row++) if (table.values[row * width + c] !== first) return true
      return false
    })
  }
  const channels = FEATURES.filter(
    (feature, c) => missing[c] < total && (!CONTEXT_FEATURES.includes(feature) || changes(c)),
  )
  const sometimesMissing = channels.filter((channel) => missing[FEATURES.indexOf(channel)] > 0)
  const blocks = rows.map(({ table, from, to }) => columnsOf(table, from, to, channels))
  return { channels, sometimesMissing, scaling: fitScaling(channels, blocks) }
}

/** Rows `[from, to)` of a table, narrowed to `channels`, row-major. */
export function columnsOf(table: FeatureTable, from: number, to: number, channels: readonly string[]): Float32Array {
  const columns = channels.map((channel) => (table.channels as readonly string[]).indexOf(channel))
  const narrow = new Float32Array(Math.max(0, to - from) * channels.length)
  let target = 0
  for (let row = from; row < to; row++) {
    for (const column of columns) narrow[target++] = table.values[row * table.channels.length + column]
  }
  return narrow
}
