import { type Bars, HOUR } from '#data/bars.ts'
import { filterLevel, fitLocalLevel, type LocalLevelFailure, type LocalLevelFit, rollingZ } from '../kalman.ts'
import type { KalmanFundingOptions } from '../options/funding-scanners.ts'
import { fundingGrid, paidSide } from './funding.ts'
import type { Direction, Scanner } from './scanner.ts'

/** What either method says about the last hour. */
interface Reading {
  readonly z: number
  readonly level: number
  readonly evidence: Readonly<Record<string, number | string>>
  readonly degraded?: string
}

/**
 * Bets against funding that jumps beyond what a filtered level allows, on the side that is paid meanwhile.
 *
 * z = innovation / its standard deviation of a local level model. Q and R are fitted by maximum likelihood at full
 * multiples of `refitHours`, on the `windowHours` before; between two refits they stay. Where the fit fails, the
 * z-score of a rolling window takes its place and the signal says `degraded`. Without new funding at `asOf` there is
 * no innovation and the scanner is unavailable.
 */
export function createKalmanFundingScanner(options: KalmanFundingOptions): Scanner {
  const source = 'kalman-funding'
  const style = 'contrarian'
  const fitAt = rememberedFit(options)
  const room = new Float64Array(options.windowHours + options.refitHours)
  return {
    source,
    style,
    scan(bars, asOf, held = 0) {
      const refitAt = Math.floor(asOf / (options.refitHours * HOUR)) * options.refitHours * HOUR
      const grid = fundingGrid(bars, asOf, options.windowHours + (asOf - refitAt) / HOUR, room)
      const rate = grid[grid.length - 1]
      if (Number.isNaN(rate)) return { coin: bars.coin, asOf, source, unavailable: 'no funding settled at this hour' }
      const fit = fitAt(bars, refitAt, grid.subarray(0, options.windowHours))
      const reading = 'unavailable' in fit ? readRolling(grid, fit.unavailable, options) : readFiltered(grid, fit)
      if (Number.isNaN(reading.z)) {
        const why = reading.degraded ?? 'no observation before this hour'
        return { coin: bars.coin, asOf, source, unavailable: `no z-score: ${why}` }
      }

      const direction = choose(reading, rate, held, options)
      return {
        coin: bars.coin,
        asOf,
        source,
        style,
        direction,
        strength: direction === 0 ? 0 : Math.min(1, Math.abs(reading.z) / (2 * options.entryZ)),
        horizonHours: direction === 0 ? 0 : options.horizonHours,
        // Under this model the noise is gone by the next hour, when the fill happens: only the level's funding is left.
        ...(direction === 0
          ? {}
          : { expected: { funding: -direction * reading.level * options.horizonHours, reversion: 0 } }),
        evidence: { rate, z: reading.z, level: reading.level, refitAt, ...reading.evidence },
        ...(reading.degraded === undefined ? {} : { degraded: reading.degraded }),
      }
    },
  }
}

function choose(reading: Reading, rate: number, held: Direction, options: KalmanFundingOptions): Direction {
  const jump = Math.abs(reading.z) > options.entryZ ? (reading.z > 0 ? -1 : 1) : 0
  const opinion: Direction = jump === paidSide(rate) ? jump : 0
  if (held === 0 || opinion === -held) return opinion
  // An innovation lasts an hour, a position longer: what keeps it is the level.
  return -held * reading.level > options.exitLevel ? held : 0
}

function readFiltered(grid: Float64Array, fit: LocalLevelFit): Reading {
  const { level, innovation, innovationVariance } = filterLevel(grid, fit)
  const { levelVariance, noiseVariance, observations } = fit
  return {
    z: innovation / Math.sqrt(innovationVariance),
    level,
    evidence: { method: 'kalman', innovation, levelVariance, noiseVariance, observations },
  }
}

function readRolling(grid: Float64Array, why: string, options: KalmanFundingOptions): Reading {
  const window = grid.subarray(Math.max(0, grid.length - options.fallbackHours - 1))
  const { z, mean } = rollingZ(window, Math.min(options.minObservations, options.fallbackHours))
  return { z, level: mean, evidence: { method: 'rolling window', windowHours: options.fallbackHours }, degraded: why }
}

type Fit = LocalLevelFit | LocalLevelFailure

/**
 * Fits once per history and refit time. The memory hangs on the funding column's buffer, so views of one history share
 * it, another history never sees it, and it goes when the history goes; it changes the speed, not the answer.
 */
function rememberedFit(options: KalmanFundingOptions): (bars: Bars, refitAt: number, past: Float64Array) => Fit {
  const memory = new WeakMap<ArrayBufferLike, Map<string, Fit>>()
  return (bars, refitAt, past) => {
    let fits = memory.get(bars.funding.buffer)
    if (fits === undefined) {
      fits = new Map()
      memory.set(bars.funding.buffer, fits)
    }
    const key = `${bars.funding.byteOffset}/${refitAt}`
    let fit = fits.get(key)
    if (fit === undefined) {
      fit = scaled(fitLocalLevel(past, options.minObservations), options.levelVarianceFactor)
      fits.set(key, fit)
    }
    return fit
  }
}

function scaled(fit: Fit, factor: number): Fit {
  return 'unavailable' in fit ? fit : { ...fit, levelVariance: factor * fit.levelVariance }
}
