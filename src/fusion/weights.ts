import type { FusionOptions } from '../options/fusion.ts'

/** Weight of each source; only their shares matter. */
export type SourceWeights = Readonly<Record<string, number>>

/**
 * The weight of a source now: what was learned, held to its bounds, or what is configured where nothing was. The bounds
 * are asked here too, since the configuration may have changed after the lesson; a source without a configured weight
 * has none.
 */
export function weightOf(source: string, options: FusionOptions, learned?: SourceWeights): number {
  if (!Object.hasOwn(options.weights, source)) return 0
  const configured = options.weights[source]
  const { floor, ceiling } = options.learning
  const weight = learned?.[source] ?? configured
  return Math.min(Math.max(weight, floor * configured), ceiling * configured)
}

/**
 * The weights nearest to `wanted` in relative entropy that lie within their bounds and add up to `total`: all are
 * multiplied by one factor, and those that leave their bounds are held there (Herbster & Warmuth 2001, "Tracking the
 * best linear predictor", section 5).
 *
 * @param wanted above 0.
 * @param low, high bounds of each, with sum(low) <= total <= sum(high).
 */
export function projectWeights(
  wanted: readonly number[],
  low: readonly number[],
  high: readonly number[],
  total: number,
): number[] {
  const held = (factor: number) => wanted.map((weight, i) => Math.min(Math.max(factor * weight, low[i]), high[i]))
  const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
  // The sum rises with the factor, in straight lines between the factors at which a weight meets a bound.
  const corners = wanted.flatMap((weight, i) => [low[i] / weight, high[i] / weight]).sort((a, b) => a - b)
  const above = corners.findIndex((factor) => sumOf(held(factor)) >= total)
  if (above === -1) return [...high]
  if (above === 0) return held(corners[0])
  const [left, right] = [corners[above - 1], corners[above]]
  const [least, most] = [sumOf(held(left)), sumOf(held(right))]
  return held(most === least ? right : left + ((right - left) * (total - least)) / (most - least))
}
