import { InputError } from '#data/errors.ts'
import type { Random } from '#data/random.ts'
import type { Windows } from '#data/windows.ts'

/** Which knots of each window are lost: `[count, lost]` indices, never the last knot. */
export type LostKnots = readonly Uint32Array[]

/**
 * Draws the same number of knots to lose from each window: `share` of all but the last, which is the hour that is
 * asked about.
 *
 * @throws {InputError} where `share` is not in [0, 1)
 */
export function drawLostKnots({ count, knots }: Windows, share: number, random: Random): LostKnots {
  if (!(share >= 0 && share < 1)) throw new InputError(`the share of knots to lose must be in [0, 1), got ${share}`)
  const lost = Math.round(share * (knots - 1))
  return Array.from({ length: count }, () => {
    const order = Uint32Array.from({ length: knots - 1 }, (_, i) => i)
    random.shuffle(order)
    return order.slice(0, lost).sort()
  })
}

/** The windows without their lost knots: fewer and unevenly spaced ones, as after hours that never arrived. */
export function withoutKnots(windows: Windows, lost: LostKnots): Windows {
  const { count, knots, channels } = windows
  const width = channels.length
  const kept = knots - (lost[0]?.length ?? 0)
  const features = new Float32Array(count * kept * width)
  const mask = new Float32Array(features.length)
  const hours = new Float32Array(count * kept)
  for (let n = 0; n < count; n++) {
    const gone = new Set(lost[n])
    let target = 0
    let first = -1
    for (let knot = 0; knot < knots; knot++) {
      if (gone.has(knot)) continue
      if (first < 0) first = knot
      const source = (n * knots + knot) * width
      features.set(windows.features.subarray(source, source + width), (n * kept + target) * width)
      mask.set(windows.mask.subarray(source, source + width), (n * kept + target) * width)
      hours[n * kept + target] = windows.hours[n * knots + knot] - windows.hours[n * knots + first]
      target++
    }
  }
  return { ...windows, knots: kept, features, mask, hours }
}

/** The windows with their lost knots still in place and nothing observed there: for models that count knots. */
export function maskedKnots(windows: Windows, lost: LostKnots): Windows {
  const { count, knots, channels } = windows
  const width = channels.length
  const features = windows.features.slice()
  const mask = windows.mask.slice()
  for (let n = 0; n < count; n++) {
    for (const knot of lost[n]) {
      const at = (n * knots + knot) * width
      features.fill(0, at, at + width)
      mask.fill(0, at, at + width)
    }
  }
  return { ...windows, features, mask }
}
