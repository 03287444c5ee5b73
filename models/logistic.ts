import { InputError } from '#data/errors.ts'
import { CONTEXT_FEATURES, ODD_FEATURES } from '#data/features.ts'
import type { Windows } from '#data/windows.ts'
import { REGIMES, type RegimeModel } from './regime.ts'

/** A multinomial logistic regression on hand features; plain data, ready for JSON. */
export interface LogisticModel {
  readonly knots: number
  readonly channels: readonly string[]
  readonly mean: readonly number[]
  readonly deviation: readonly number[]
  /** Row-major `[features + 1, 3]`, the last row is the bias. */
  readonly weights: readonly number[]
}

/** Channels a window must have for the hand features. */
export const LOGISTIC_CHANNELS = [
  'return',
  'return12',
  'volatility',
  'funding',
  'volumeTrend',
  'range',
  ...CONTEXT_FEATURES,
] as const
/** Knots a window must have. */
export const LOGISTIC_KNOTS = 13
/** Knots back from the last at which levels are read. */
const LAGS = [0, 3, 6, 12]
/** Hours over which the latest returns are summed. */
const SPANS = [1, 3, 6]

/** Names of the hand features, in order. */
export const HAND_FEATURES: readonly string[] = [
  ...LAGS.flatMap((lag) => [`|return12| ${lag} h ago`, `volatility ${lag} h ago`, `range ${lag} h ago`]),
  ...SPANS.flatMap((hours) => [`|${hours} h return|`, `${hours} h return along the 12 h return`]),
  'return12',
  'funding',
  '|funding|',
  'volumeTrend',
  ...CONTEXT_FEATURES.flatMap((name) =>
    ODD_FEATURES.includes(name) ? [`|${name}|`, `${name} along the 12 h return`] : [name],
  ),
]

/**
 * Hand features of each window, row-major `[count, HAND_FEATURES.length]`. They are even in the sign of the market
 * where the label is: a move and its mirror image are the same regime. A missing value is `NaN`.
 *
 * @throws {InputError} where the windows are too short or lack a channel
 */
export function handFeatures(windows: Windows): Float64Array {
  const { count, knots, channels } = windows
  if (knots < LOGISTIC_KNOTS) throw new InputError(`the hand features need ${LOGISTIC_KNOTS} knots, got ${knots}`)
  const [hourly, halfDay, volatility, funding, volume, range, ...context] = LOGISTIC_CHANNELS.map((channel) => {
    const column = channels.indexOf(channel)
    if (column < 0)
      throw new InputError(`the hand features need the channel "${channel}", the windows have ${channels}`)
    return column
  })
  const width = channels.length
  const features = new Float64Array(count * HAND_FEATURES.length)
  let target = 0
  for (let n = 0; n < count; n++) {
    const read = (lag: number, column: number) => {
      const at = ((n + 1) * knots - 1 - lag) * width + column
      return windows.mask[at] ? windows.features[at] : Number.NaN
    }
    const direction = Math.sign(read(0, halfDay))
    for (const lag of LAGS) {
      features[target++] = Math.abs(read(lag, halfDay))
      features[target++] = read(lag, volatility)
      features[target++] = read(lag, range)
    }
    let sum = 0
    for (let lag = 0, span = 0; span < SPANS.length; lag++) {
      sum += read(lag, hourly)
      if (lag + 1 < SPANS[span]) continue
      features[target++] = Math.abs(sum) / Math.sqrt(SPANS[span])
      features[target++] = (direction * sum) / Math.sqrt(SPANS[span])
      span++
    }
    features[target++] = read(0, halfDay)
    features[target++] = read(0, funding)
    features[target++] = Math.abs(read(0, funding))
    features[target++] = read(0, volume)
    for (const column of context) {
      const value = read(0, column)
      const odd = (ODD_FEATURES as readonly string[]).includes(channels[column])
      features[target++] = odd ? Math.abs(value) : value
      if (odd) features[target++] = direction * value
    }
  }
  return features
}

/**
 * Class scores of one row of hand features; a missing feature counts as its training mean.
 *
 * @param scores receives `[3]` probabilities
 */
export function logisticProbabilities(
  model: LogisticModel,
  features: Float64Array,
  row: number,
  scores: Float64Array,
): void {
  const classes = REGIMES.length
  const width = HAND_FEATURES.length
  for (let k = 0; k < classes; k++) scores[k] = model.weights[width * classes + k]
  for (let j = 0; j < width; j++) {
    const value = features[row * width + j]
    if (Number.isNaN(value)) continue
    const scaled = (value - model.mean[j]) / model.deviation[j]
    for (let k = 0; k < classes; k++) scores[k] += scaled * model.weights[j * classes + k]
  }
  const highest = Math.max(scores[0], scores[1], scores[2])
  let total = 0
  for (let k = 0; k < classes; k++) total += scores[k] = Math.exp(scores[k] - highest)
  for (let k = 0; k < classes; k++) scores[k] /= total
}

/** The regression as a regime model. */
export function logisticRegimeModel(model: LogisticModel): RegimeModel {
  return {
    name: 'linear',
    knots: model.knots,
    channels: model.channels,
    async estimate(windows) {
      const features = handFeatures(windows)
      const probabilities = new Float32Array(windows.count * REGIMES.length)
      const scores = new Float64Array(REGIMES.length)
      for (let n = 0; n < windows.count; n++) {
        logisticProbabilities(model, features, n, scores)
        probabilities.set(scores, n * REGIMES.length)
      }
      return probabilities
    },
  }
}
