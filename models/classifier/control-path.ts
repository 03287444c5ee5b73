import { InputError } from '#data/errors.ts'
import { SUMMED_FEATURE } from '#data/features.ts'
import type { Windows } from '#data/windows.ts'
import type { Scaling } from '../scaling.ts'
import {
  type Architecture,
  countUnit,
  drivers,
  drivingChannels,
  pathChannels,
  summedUnit,
  windowHours,
} from './architecture.ts'

/**
 * Control paths of a batch of windows, linear between knots: given by where they start, how they move from knot
 * to knot, and where they end. `P` = path channels: time, features, observation counts; `D` = those of them that drive
 * it, which leaves out the context.
 */
export interface ControlPath {
  readonly count: number
  readonly steps: number
  /** D */
  readonly channels: number
  /** What drives of X(0), `[count, D]`. */
  readonly initial: Float32Array
  /** The same of X(k+1) - X(k), knot-major `[steps, count, D]`: one step of the solver reads one stretch of memory. */
  readonly increments: Float32Array
  /** X(T), `[count, P]`. */
  readonly final: Float32Array
}

/**
 * Scales windows and turns them into control paths.
 *
 * Time is hours since the first knot over those of a whole window. The hourly return enters as its running sum over
 * the root of the number of knots, so that it keeps the size of the others; the other features as levels, carried
 * forward where missing (0, the training median, before the first observation). Each channel of `counted` adds the
 * number of its observations so far over the number of knots (Kidger et al. 2020, section 3: observational intensity).
 *
 * Context channels have a place in X, and nothing is driven by them.
 *
 * @throws {InputError} where windows or scaling have other channels than the architecture
 */
export function controlPath(windows: Windows, architecture: Architecture, scaling: Scaling): ControlPath {
  const { count, knots } = windows
  const features = architecture.channels.length
  for (const [what, { channels }] of [
    ['windows', windows],
    ['scaling', scaling],
  ] as const) {
    if (channels.length === features && channels.every((name, c) => name === architecture.channels[c])) continue
    throw new InputError(`the ${what} have channels ${channels}, the neural CDE needs ${architecture.channels}`)
  }
  const width = pathChannels(architecture)
  const driving = drivingChannels(architecture)
  const driversEnd = 1 + drivers(architecture)
  const perHour = 1 / windowHours(architecture)
  const perObservation = countUnit(architecture)
  const perReturn = summedUnit(architecture)
  const countedColumn = windows.channels.map((channel) => architecture.counted.indexOf(channel))
  const summed = windows.channels.map((channel) => channel === SUMMED_FEATURE)
  const initial = new Float32Array(count * driving)
  const final = new Float32Array(count * width)
  const increments = new Float32Array(Math.max(0, knots - 1) * count * driving)

  for (let n = 0; n < count; n++) {
    const now = n * width
    for (let knot = 0; knot < knots; knot++) {
      const target = knot === 0 ? n * driving : ((knot - 1) * count + n) * driving
      const step = knot === 0 ? initial : increments
      const elapsed = knot === 0 ? 0 : windows.hours[n * knots + knot] - windows.hours[n * knots + knot - 1]
      step[target] = elapsed * perHour
      for (let c = 0; c < features; c++) {
        const source = (n * knots + knot) * features + c
        if (windows.mask[source] === 0) continue
        const raw = (windows.features[source] - scaling.median[c]) / scaling.iqr[c]
        const value = Math.max(-architecture.clip, Math.min(architecture.clip, raw))
        if (1 + c >= driversEnd) {
          final[now + 1 + c] = value
          continue
        }
        step[target + 1 + c] = summed[c] ? value * perReturn : value - final[now + 1 + c]
        if (countedColumn[c] >= 0) step[target + driversEnd + countedColumn[c]] = perObservation
      }
      for (let p = 0; p < driversEnd; p++) final[now + p] += step[target + p]
      for (let p = driversEnd; p < driving; p++) final[now + width - driving + p] += step[target + p]
    }
  }
  return { count, steps: Math.max(0, knots - 1), channels: driving, initial, increments, final }
}
