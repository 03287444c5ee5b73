import { REGIMES } from '#models/regime.ts'
import type { FusionOptions } from '../options/fusion.ts'
import { type Direction, type Expectation, isSignal, type Scan, type Style } from '../scanners/scanner.ts'
import { type SourceWeights, weightOf } from './weights.ts'

/** Probabilities of chop, trend, reversal. */
export type RegimeProbabilities = readonly [number, number, number]

/** What one scanner added. */
export interface Contribution {
  readonly source: string
  /** Share of the source's weight in the sum of all weights, learned or configured. */
  readonly weight: number
  /** What the regime made of the source; 1 leaves it as it is. */
  readonly regimeScale: number
  /** Signed: weight x regimeScale x direction x strength. */
  readonly value: number
  /** Why the source said nothing, where it could not. */
  readonly unavailable?: string
}

/** The scanners' opinions as one. */
export interface Fusion {
  readonly direction: Direction
  /** Between 0 and 1. */
  readonly conviction: number
  /** Mean horizon of the signals that agree with the direction, weighted by contribution; 0 without a direction. */
  readonly horizonHours: number
  /** Mean expectation of the signals that agree and can say; absent where none can. */
  readonly expected?: Expectation
  readonly contributions: readonly Contribution[]
  /** Present where the regime is unknown: then there is no direction and nothing may be opened. */
  readonly unavailable?: 'no estimates'
}

/**
 * Weighted sum of the signals of one coin at one time, each scaled by the regime:
 * score = sum over sources of weight x (sum over regimes of p x scale[style][regime]) x direction x strength.
 *
 * Weights are shares of all weights. A source that is unavailable adds nothing and its weight is *not* given
 * to the others: missing evidence must not raise conviction.
 *
 * @param estimate undefined is *no estimates*, and then there is no opinion; `ignored`: every scale is 1, to measure
 *   what regimes are worth.
 * @param learned weights that take the place of the configured ones, see `learning.ts`; a source that is not
 *   configured does not count, whatever was learned of it.
 */
export function fuse(
  scans: readonly Scan[],
  estimate: RegimeProbabilities | 'ignored' | undefined,
  options: FusionOptions,
  learned?: SourceWeights,
): Fusion {
  if (estimate === undefined) {
    return { direction: 0, conviction: 0, horizonHours: 0, contributions: [], unavailable: 'no estimates' }
  }
  const totalWeight = Object.keys(options.weights).reduce((sum, name) => sum + weightOf(name, options, learned), 0)
  const contributions = scans.map((scan): Contribution => {
    const { source } = scan
    const weight = totalWeight > 0 ? weightOf(source, options, learned) / totalWeight : 0
    if (!isSignal(scan)) return { source, weight, regimeScale: 1, value: 0, unavailable: scan.unavailable }
    const regimeScale = estimate === 'ignored' ? 1 : scaleOf(scan.style, estimate, options)
    return { source, weight, regimeScale, value: weight * regimeScale * scan.direction * scan.strength }
  })
  const score = contributions.reduce((sum, { value }) => sum + value, 0)
  const direction = Math.sign(score) as Direction
  const conviction = Math.min(1, Math.abs(score))
  if (direction === 0) return { direction, conviction: 0, horizonHours: 0, contributions }

  let agreed = 0
  let horizon = 0
  let told = 0
  let funding = 0
  let reversion = 0
  for (const [i, scan] of scans.entries()) {
    const pull = direction * contributions[i].value
    if (!isSignal(scan) || pull <= 0) continue
    agreed += pull
    horizon += pull * scan.horizonHours
    if (scan.expected === undefined) continue
    told += pull
    funding += pull * scan.expected.funding
    reversion += pull * scan.expected.reversion
  }
  return {
    direction,
    conviction,
    horizonHours: Math.max(1, Math.round(horizon / agreed)),
    ...(told > 0 ? { expected: { funding: funding / told, reversion: reversion / told } } : {}),
    contributions,
  }
}

/** The regime's factor for a style, averaged over the probabilities. */
function scaleOf(style: Style, probabilities: RegimeProbabilities, options: FusionOptions): number {
  return REGIMES.reduce((sum, regime, k) => sum + probabilities[k] * options.regimeScale[style][regime], 0)
}
