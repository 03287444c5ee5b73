import type { ControlPath } from '../classifier/control-path.ts'

/** Numbers that the unit reads at a knot: where the control path stands, and the time since the knot before. */
export function readingSize(driving: number): number {
  return driving + 1
}

/**
 * What a recurrent unit reads of control paths: X(k) at each knot, all that drives a neural CDE, and the time
 * since the knot before in windows (0 at the first), which uneven knots make it ask for.
 *
 * @returns `[steps + 1, count, P + 1]`
 */
export function readings({ count, steps, channels, initial, increments }: ControlPath): Float32Array {
  const size = readingSize(channels)
  const values = new Float32Array((steps + 1) * count * size)
  const at = Float64Array.from(initial)
  for (let knot = 0; knot <= steps; knot++) {
    for (let n = 0; n < count; n++) {
      const target = (knot * count + n) * size
      const move = ((knot - 1) * count + n) * channels
      for (let p = 0; p < channels; p++) {
        if (knot > 0) at[n * channels + p] += increments[move + p]
        values[target + p] = at[n * channels + p]
      }
      if (knot > 0) values[target + channels] = increments[move]
    }
  }
  return values
}
