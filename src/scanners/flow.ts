import type { Bars } from '#data/bars.ts'
import type { FlowOptions } from '../options/market-scanners.ts'
import { closedRow } from './rolling.ts'
import type { Direction, Market, Scanner } from './scanner.ts'
import { allocateSignedVolume, createBarSigner, type SignedVolume, signFromTrades } from './signed-volume.ts'

/** The window that ends at `asOf` against the windows before it. */
interface Reading {
  /** Signed over total volume of the window, in [-1, 1]. */
  readonly imbalance: number
  readonly meanImbalance: number
  readonly z: number
  /** Log of the window's volume against the logs before. */
  readonly volumeZ: number
  /** Windows of the baseline that are known. */
  readonly baseline: number
}

interface Measured {
  readonly method: 'trades' | 'bars'
  readonly reading: Reading
  readonly degraded?: string
}

/**
 * Follows takers where they are unusually one-sided and unusually many.
 *
 * Imbalance is signed over total volume of the last `windowHours`; its z and that of the log volume are measured
 * against the windows that end in the `baselineHours` before, none of which shares an hour with the last. A signal
 * needs |z| above `entryZ` on the side of the imbalance itself (less selling than usual is no buying) and a volume z
 * above `minVolumeZ`. A held side is backed until its z falls to `exitZ`, whatever the volume.
 *
 * Signed volume comes from the venue's trades where their stream covers the hours, else from bars by bulk volume
 * classification; `method` says which. The two are never mixed: a baseline of one says nothing of the other. Where a
 * stream is there and does not cover the hours yet, the signal says `degraded`.
 *
 * The style is momentum: the signs of orders are correlated for many hours, because large orders are worked in pieces
 * (Lillo and Farmer, The Long Memory of the Efficient Market, 2004), and what an imbalance does to the price stays
 * (Hasbrouck, Measuring the Information Content of Stock Trades, 1991): this bets on more of the same.
 */
export function createFlowScanner(options: FlowOptions): Scanner {
  const source = 'flow'
  const style = 'momentum'
  const measure = measurer(options)
  return {
    source,
    style,
    scan(bars, asOf, held = 0, market) {
      const measured = measure(bars, asOf, market)
      if (typeof measured === 'string') return { coin: bars.coin, asOf, source, unavailable: measured }
      const { method, reading, degraded } = measured
      const direction = choose(reading, held, options)
      return {
        coin: bars.coin,
        asOf,
        source,
        style,
        direction,
        strength: direction === 0 ? 0 : Math.min(1, Math.abs(reading.z) / (2 * options.entryZ)),
        horizonHours: direction === 0 ? 0 : options.horizonHours,
        evidence: { method, ...reading },
        ...(degraded === undefined ? {} : { degraded }),
      }
    },
  }
}

function choose({ imbalance, z, volumeZ }: Reading, held: Direction, options: FlowOptions): Direction {
  const side = Math.sign(z) as Direction
  const unusual = Math.abs(z) > options.entryZ && volumeZ > options.minVolumeZ && side === Math.sign(imbalance)
  if (unusual) return side
  return held * z > options.exitZ ? held : 0
}

/** Reads the trades where they cover the hours, else the bars; a text says why neither can be read. */
function measurer(options: FlowOptions): (bars: Bars, asOf: number, market?: Market) => Measured | string {
  const { baselineHours, windowHours } = options
  const signFromBars = createBarSigner(baselineHours)
  const read = reader(options)
  // Written anew for every answer, allocated once: a backtest asks for a hundred thousand.
  const grid = allocateSignedVolume(baselineHours + 2 * windowHours - 1)
  return (bars, asOf, market) => {
    if (closedRow(bars, asOf) < 0) return 'no bar was closed at this hour'
    const flow = market?.flows?.get(bars.coin)
    let degraded: string | undefined
    if (flow !== undefined) {
      signFromTrades(flow, asOf, grid)
      const reading = read(grid)
      if (typeof reading !== 'string') return { method: 'trades', reading }
      degraded = `no trades: ${reading}`
    }
    signFromBars(bars, asOf, grid)
    const reading = read(grid)
    if (typeof reading === 'string') return degraded === undefined ? reading : `${reading}; ${degraded}`
    return { method: 'bars', reading, ...(degraded === undefined ? {} : { degraded }) }
  }
}

/** Compares the last window of a grid with those before it. */
function reader({ windowHours, baselineHours, minBaseline }: FlowOptions): (grid: SignedVolume) => Reading | string {
  const imbalances = new Float64Array(baselineHours)
  const volumes = new Float64Array(baselineHours)
  return ({ signed, total }) => {
    const last = total.length - windowHours
    const lastTotal = sum(total, last, windowHours)
    if (Number.isNaN(lastTotal)) return `an hour of the last ${windowHours} is not known`
    if (lastTotal === 0) return `nothing was traded in ${windowHours} h`
    let known = 0
    for (let i = 0; i < baselineHours; i++) {
      const windowTotal = sum(total, i, windowHours)
      if (!(windowTotal > 0)) continue
      imbalances[known] = sum(signed, i, windowHours) / windowTotal
      volumes[known] = Math.log(windowTotal)
      known++
    }
    if (known < minBaseline) return `${known} of ${baselineHours} h before are known, at least ${minBaseline}`
    const imbalance = sum(signed, last, windowHours) / lastTotal
    const usual = moments(imbalances, known)
    if (!(usual.deviation > 0)) return 'the imbalance did not vary'
    const usualVolume = moments(volumes, known)
    if (!(usualVolume.deviation > 0)) return 'the volume did not vary'
    return {
      imbalance,
      meanImbalance: usual.mean,
      z: (imbalance - usual.mean) / usual.deviation,
      volumeZ: (Math.log(lastTotal) - usualVolume.mean) / usualVolume.deviation,
      baseline: known,
    }
  }
}

/** Sum of `hours` values from `start` on; `NaN` where one is not known. */
function sum(column: Float64Array, start: number, hours: number): number {
  let result = 0
  for (let i = start; i < start + hours; i++) result += column[i]
  return result
}

/** Mean and standard deviation of the first `count` values; the latter is exactly 0 where all are the same. */
function moments(values: Float64Array, count: number): { readonly mean: number; readonly deviation: number } {
  let total = 0
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let i = 0; i < count; i++) {
    total += values[i]
    if (values[i] < low) low = values[i]
    if (values[i] > high) high = values[i]
  }
  const mean = total / count
  if (low === high) return { mean, deviation: 0 }
  let squares = 0
  for (let i = 0; i < count; i++) squares += (values[i] - mean) ** 2
  return { mean, deviation: Math.sqrt(squares / (count - 1)) }
}
