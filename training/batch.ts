import { ODD_FEATURES } from '#data/features.ts'
import type { Random } from '#data/random.ts'
import type { Windows } from '#data/windows.ts'
import { REGIMES } from '#models/regime.ts'

/** Which of `count` windows are turned upside down, each with probability one half: 1 for those that are. */
export function drawMirrored(count: number, random: Random): Uint8Array {
  return Uint8Array.from({ length: count }, () => (random.uniform() < 0.5 ? 0 : 1))
}

/**
 * Turns windows upside down: a fall is as much a trend as a rise, and the model should not have to learn it twice.
 *
 * @param mirrored `[count]`, see {@link drawMirrored}
 */
export function mirrorReturns(windows: Windows, mirrored: Uint8Array): void {
  const width = windows.channels.length
  const columns = ODD_FEATURES.map((channel) => windows.channels.indexOf(channel)).filter((column) => column >= 0)
  for (let n = 0; n < windows.count; n++) {
    if (mirrored[n] === 0) continue
    for (let knot = 0; knot < windows.knots; knot++) {
      const row = (n * windows.knots + knot) * width
      for (const column of columns) windows.features[row + column] = -windows.features[row + column]
    }
  }
}

/**
 * What the loss of a batch compares with: smoothed one-hot targets, and weights that add up to 1.
 *
 * @param labels `[n]` classes 0..2
 * @param classWeights `[3]`, see `inverseFrequency`
 * @param smoothing share of each target that is spread evenly over all classes (Szegedy et al. 2016, section 7)
 * @returns `probabilities` row-major `[n, 3]` and `weights` `[n]`
 */
export function weightedTargets(labels: Uint8Array, classWeights: Float64Array, smoothing: number) {
  const classes = REGIMES.length
  const probabilities = new Float32Array(labels.length * classes).fill(smoothing / classes)
  const weights = new Float32Array(labels.length)
  let total = 0
  for (let i = 0; i < labels.length; i++) {
    probabilities[i * classes + labels[i]] += 1 - smoothing
    weights[i] = classWeights[labels[i]]
    total += weights[i]
  }
  for (let i = 0; i < weights.length; i++) weights[i] /= total
  return { probabilities, weights }
}

/** Inverted dropout: zeros at `rate`, the rest scaled up so that the mean stays 1. */
export function dropoutMask(length: number, rate: number, random: Random): Float32Array | undefined {
  if (rate <= 0) return undefined
  const mask = new Float32Array(length)
  for (let i = 0; i < length; i++) mask[i] = random.uniform() < rate ? 0 : 1 / (1 - rate)
  return mask
}
