import type { Random } from '#data/random.ts'
import type { Windows } from '#data/windows.ts'
import { type Architecture, CdeConfiguration } from '#models/classifier/architecture.ts'
import type { Scaling } from '#models/scaling.ts'

export const CHANNELS = ['return', 'return12', 'volatility', 'funding']

export function smallArchitecture(changes: Partial<Architecture> = {}): Architecture {
  return {
    ...CdeConfiguration.parse({ hidden: 5, width: 6, readout: 4 }),
    channels: CHANNELS,
    counted: ['funding'],
    context: [],
    knots: 6,
    ...changes,
  }
}

export const SCALING: Scaling = { channels: CHANNELS, median: [0, 0.1, -0.2, 0.3], iqr: [1.2, 1.1, 0.6, 0.4] }

/** Random windows with uneven hours and missing values. */
export function randomWindows(random: Random, count: number, knots: number, missing = 0.2): Windows {
  const width = CHANNELS.length
  const features = new Float32Array(count * knots * width)
  const mask = new Float32Array(features.length)
  const hours = new Float32Array(count * knots)
  for (let n = 0; n < count; n++) {
    for (let k = 1; k < knots; k++) hours[n * knots + k] = hours[n * knots + k - 1] + 1 + random.integer(3)
  }
  for (let i = 0; i < features.length; i++) {
    if (random.uniform() < missing) continue
    features[i] = random.normal()
    mask[i] = 1
  }
  return {
    count,
    knots,
    channels: CHANNELS,
    features,
    hours,
    mask,
    coin: Array.from({ length: count }, () => 'BTC'),
    asOf: Float64Array.from({ length: count }, (_, n) => n * 3_600_000),
  }
}
