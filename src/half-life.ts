import type { Bars } from '#data/bars.ts'
import type { OuFundingOptions } from './options/funding-scanners.ts'
import { fitOu, type OuFit, stationaryZ } from './ou.ts'
import { fundingGrid } from './scanners/funding.ts'

/** Half-life at which speed counts for 1 / e, hours. */
const SPEED_HOURS = 12
/** |z| from which distance counts in full. */
const FULL_Z = 3

/** How the funding of one coin reverts. */
export interface HalfLife
  extends Pick<
    OuFit,
    'theta' | 'mu' | 'sigma' | 'halfLifeHours' | 'halfLifeLow' | 'halfLifeHigh' | 'pValue' | 'pairs'
  > {
  readonly coin: string
  /** Funding settled at the hour, fraction per hour. */
  readonly rate: number
  /** Its distance from mu in stationary deviations. */
  readonly z: number
  /** Between 0 and 1, the more the better. */
  readonly quality: number
}

/** A coin of which that cannot be said. */
export interface NoHalfLife {
  readonly coin: string
  readonly unavailable: string
}

export type HalfLifeRow = HalfLife | NoHalfLife

/**
 * What a deviation of funding promises: exp(-half-life / 12 h) x min(|z| / 3, 1). Soon over and far away is best; a
 * coin at its mean is worth nothing however fast it reverts.
 */
export function halfLifeQuality(halfLifeHours: number, z: number): number {
  return Math.exp(-halfLifeHours / SPEED_HOURS) * Math.min(Math.abs(z) / FULL_Z, 1)
}

/**
 * Ranks coins by {@link halfLifeQuality} of the funding up to `asOf`, best first; coins without a fit come last, with
 * the reason. Among equals the name decides.
 *
 * @param bars history of each coin; nothing later than `asOf` is looked at.
 */
export function rankHalfLives(
  bars: readonly Bars[],
  asOf: number,
  options: Pick<OuFundingOptions, 'windowHours' | 'minPairs' | 'confidence'>,
): HalfLifeRow[] {
  const rows = bars.map((coinBars) => halfLifeOf(coinBars, asOf, options))
  const quality = (row: HalfLifeRow) => ('unavailable' in row ? -1 : row.quality)
  return rows.sort((a, b) => quality(b) - quality(a) || (a.coin < b.coin ? -1 : 1))
}

function halfLifeOf(
  bars: Bars,
  asOf: number,
  { windowHours, minPairs, confidence }: Pick<OuFundingOptions, 'windowHours' | 'minPairs' | 'confidence'>,
): HalfLifeRow {
  const { coin } = bars
  const grid = fundingGrid(bars, asOf, windowHours)
  const rate = grid[grid.length - 1]
  if (Number.isNaN(rate)) return { coin, unavailable: 'no funding settled at this hour' }
  const fit = fitOu(grid, minPairs, { confidence })
  if ('unavailable' in fit) return { coin, unavailable: `${fit.unavailable} (${fit.pairs} pairs)` }
  const { theta, mu, sigma, halfLifeHours, halfLifeLow, halfLifeHigh, pValue, pairs } = fit
  const z = stationaryZ(fit, rate)
  const quality = halfLifeQuality(halfLifeHours, z)
  return { coin, rate, theta, mu, sigma, halfLifeHours, halfLifeLow, halfLifeHigh, z, quality, pValue, pairs }
}
