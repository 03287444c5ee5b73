import { HOUR } from '#data/bars.ts'
import { FEATURES, type FeatureTable } from '#data/features.ts'
import { createRandom } from '#data/random.ts'
import type { Windows } from '#data/windows.ts'
import { type Architecture, CdeConfiguration, pathChannels } from '#models/classifier/architecture.ts'
import type { Targets } from '#models/classifier/classifier.ts'
import type { ControlPath } from '#models/classifier/control-path.ts'
import { initialiseParameters, type ParameterVector } from '#models/classifier/parameters.ts'
import type { ShardData } from '#training/parallel/shards.ts'

/** Channels without open interest: with time they are the seven that the figures of the design speak of. */
export const CHANNELS = ['return', 'return12', 'volatility', 'funding', 'volumeTrend', 'range']

/** A neural CDE of the size given, with random weights. */
export function randomCde(size: { hidden: number; width: number; knots: number }): {
  architecture: Architecture
  parameters: ParameterVector
} {
  const { hidden, width, knots } = size
  const configuration = CdeConfiguration.parse({ hidden, width, readout: 32, solver: 'euler' })
  const architecture = { ...configuration, channels: CHANNELS, counted: [], context: [], knots }
  return { architecture, parameters: initialiseParameters(architecture, createRandom(1)) }
}

/** Control paths with standard normal increments. */
export function randomPath(architecture: Architecture, count: number): ControlPath {
  const random = createRandom(2)
  const channels = pathChannels(architecture)
  const steps = architecture.knots - 1
  const normal = (length: number) => Float32Array.from({ length }, () => random.normal())
  return {
    count,
    steps,
    channels,
    initial: normal(count * channels),
    increments: normal(steps * count * channels),
    final: normal(count * channels),
  }
}

/** Complete hourly windows with standard normal features. */
export function randomWindows(count: number, knots: number): Windows {
  const random = createRandom(3)
  const size = count * knots * CHANNELS.length
  return {
    count,
    knots,
    channels: CHANNELS,
    features: Float32Array.from({ length: size }, () => random.normal()),
    mask: new Float32Array(size).fill(1),
    hours: Float32Array.from({ length: count * knots }, (_, i) => i % knots),
    coin: Array.from({ length: count }, (_, i) => `C${i}`),
    asOf: new Float64Array(count),
  }
}

/** Targets that favour no class, every window counting the same. */
export function uniformTargets(count: number): Targets {
  return {
    probabilities: new Float32Array(count * 3).fill(1 / 3),
    weights: new Float32Array(count).fill(1 / count),
  }
}

/** A market of normal features of the deviation given, without a gap, and windows that end at each of its hours. */
export function randomTraining(architecture: Architecture, windows: number, deviation: number): ShardData {
  const { knots } = architecture
  const random = createRandom(4)
  const rows = windows + knots
  const table: FeatureTable = {
    coin: 'BTC',
    channels: FEATURES,
    asOf: Float64Array.from({ length: rows }, (_, row) => row * HOUR),
    values: Float32Array.from({ length: rows * FEATURES.length }, () => deviation * random.normal()),
    sigma: new Float64Array(rows).fill(1),
  }
  const ends = Array.from({ length: windows }, (_, i) => ({ table, row: i + knots }))
  const scaling = { channels: CHANNELS, median: CHANNELS.map(() => 0), iqr: CHANNELS.map(() => 1) }
  return { architecture, scaling, train: ends, validation: ends.slice(0, 1) }
}
