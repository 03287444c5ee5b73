import { ModelError } from '#data/errors.ts'
import { buildWindows } from '#data/windows.ts'
import {
  HAND_FEATURES,
  handFeatures,
  LOGISTIC_CHANNELS,
  LOGISTIC_KNOTS,
  type LogisticModel,
  logisticProbabilities,
} from '#models/logistic.ts'
import { REGIMES } from '#models/regime.ts'
import { createAdamW } from './adamw.ts'
import { inverseFrequency } from './class-weights.ts'
import type { Samples } from './dataset.ts'

const ITERATIONS = 200
const FEATURES = HAND_FEATURES.length
const CLASSES = REGIMES.length

/**
 * Fits a multinomial logistic regression on hand features: full-batch AdamW on the cross-entropy weighted by
 * inverse class frequency, the same objective as the neural CDE's.
 *
 * @throws {ModelError} without training samples
 */
export function fitLogistic(train: Samples): LogisticModel {
  const count = train.ends.length
  if (count === 0) throw new ModelError('cannot fit a logistic regression without training windows')
  const features = handFeatures(buildWindows(train.ends, LOGISTIC_KNOTS, LOGISTIC_CHANNELS))
  const { mean, deviation } = moments(features, count)
  const classWeights = inverseFrequency(train.labels)
  const weights = new Float32Array((FEATURES + 1) * CLASSES)
  const gradient = new Float32Array(weights.length)
  const optimiser = createAdamW(weights.length, { learningRate: 0.05, weightDecay: 1e-4, clipNorm: 10 })
  const model = {
    knots: LOGISTIC_KNOTS,
    channels: LOGISTIC_CHANNELS,
    mean,
    deviation,
    weights: weights as ArrayLike<number> as readonly number[],
  }
  const scores = new Float64Array(CLASSES)
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    gradient.fill(0)
    for (let n = 0; n < count; n++) {
      logisticProbabilities(model, features, n, scores)
      const label = train.labels[n]
      const share = classWeights[label] / count
      for (let k = 0; k < CLASSES; k++) {
        const error = share * (scores[k] - (k === label ? 1 : 0))
        for (let j = 0; j < FEATURES; j++) {
          const value = features[n * FEATURES + j]
          if (!Number.isNaN(value)) gradient[j * CLASSES + k] += (error * (value - mean[j])) / deviation[j]
        }
        gradient[FEATURES * CLASSES + k] += error
      }
    }
    // Linear decay: full-batch steps settle instead of circling.
    optimiser.step(weights, gradient, 0.05 * (1 - iteration / ITERATIONS))
  }
  return { ...model, weights: Array.from(weights) }
}

function moments(features: Float64Array, count: number) {
  const mean = new Array<number>(FEATURES).fill(0)
  const deviation = new Array<number>(FEATURES).fill(0)
  for (let j = 0; j < FEATURES; j++) {
    let known = 0
    let sum = 0
    let squares = 0
    for (let n = 0; n < count; n++) {
      const value = features[n * FEATURES + j]
      if (Number.isNaN(value)) continue
      known++
      sum += value
      squares += value * value
    }
    mean[j] = known > 0 ? sum / known : 0
    // A feature that never varies (or is never known) carries nothing: scale 1 keeps it harmless.
    deviation[j] = Math.sqrt(Math.max(0, known > 0 ? squares / known - mean[j] ** 2 : 0)) || 1
  }
  return { mean, deviation }
}
