import type { Bars } from '#data/bars.ts'
import type { BreakoutOptions } from '../options/market-scanners.ts'
import { closedRow, covers, firstRow, highest, LEAST_SHARE_KNOWN, lowest, mean, meanTrueRange } from './rolling.ts'
import type { Direction, Scanner } from './scanner.ts'

/** What the hour looks like against the hours before it. */
interface Reading {
  readonly close: number
  /** Highest high and lowest low of the `channelHours` before the hour. */
  readonly channelHigh: number
  readonly channelLow: number
  /** The same of the `exitHours` before it. */
  readonly exitHigh: number
  readonly exitLow: number
  /** Volume of the hour over the mean of the `volumeHours` before it. */
  readonly volumeRatio: number
  /** Mean true range of the last `volatilityHours` over that of the `volumeHours` before them. */
  readonly volatilityRatio: number
}

/**
 * Follows a close beyond the channel of earlier highs and lows, where volume and true range confirm that something
 * happened.
 *
 * The channel is Donchian's, the pair of a long channel to enter and a short one to leave that of the Turtles (Faith,
 * The Original Turtle Trading Rules, 2003), with closes in place of touches: an hour is judged when it is over. Channel
 * and means leave out what they are compared with. A held side is backed until the close reaches the opposite end of
 * the exit channel, or a confirmed breakout turns it.
 *
 * Strength is half of the weaker confirmation over its threshold for a breakout, and the way left to the exit in
 * widths of the channel for a side that is only held.
 */
export function createBreakoutScanner(options: BreakoutOptions): Scanner {
  const source = 'breakout'
  const style = 'momentum'
  return {
    source,
    style,
    scan(bars, asOf, held = 0) {
      const reading = read(bars, asOf, options)
      if (typeof reading === 'string') return { coin: bars.coin, asOf, source, unavailable: reading }
      const beyond: Direction = reading.close > reading.channelHigh ? 1 : reading.close < reading.channelLow ? -1 : 0
      const lacking = beyond === 0 ? undefined : unconfirmed(reading, options)
      const opinion = lacking === undefined ? beyond : 0
      const left = held === 0 ? 0 : wayToExit(reading, held)
      const direction: Direction = opinion !== 0 ? opinion : left > 0 ? held : 0
      const { minVolumeRatio, minVolatilityRatio } = options
      const confirmation = Math.min(reading.volumeRatio / minVolumeRatio, reading.volatilityRatio / minVolatilityRatio)
      const strength = opinion !== 0 ? confirmation / 2 : left
      return {
        coin: bars.coin,
        asOf,
        source,
        style,
        direction,
        strength: direction === 0 ? 0 : Math.min(1, strength),
        horizonHours: direction === 0 ? 0 : options.horizonHours,
        evidence: { ...reading, ...(lacking === undefined ? {} : { unconfirmed: lacking }) },
      }
    },
  }
}

/** The reading of the hour that ends at `asOf`, or what is missing for it. */
function read(bars: Bars, asOf: number, options: BreakoutOptions): Reading | string {
  const { channelHours, exitHours, volumeHours, volatilityHours } = options
  const { close, high, low, volume } = bars
  const row = closedRow(bars, asOf)
  if (row < 0) return 'no bar was closed at this hour'
  // One hour more reaches back, because the hour itself is compared and does not count.
  const channel = firstRow(bars, asOf, channelHours + 1)
  if (!covers(row - channel, channelHours)) return `channel: ${row - channel} of ${channelHours} h are known`
  const exit = firstRow(bars, asOf, exitHours + 1)
  if (!covers(row - exit, exitHours)) return `exit channel: ${row - exit} of ${exitHours} h are known`
  const before = firstRow(bars, asOf, volumeHours + 1)
  if (!covers(row - before, volumeHours)) return `volume: ${row - before} of ${volumeHours} h are known`
  const meanVolume = mean(volume, before, row)
  if (!(meanVolume > 0)) return `volume: nothing was traded in ${volumeHours} h`

  const recent = firstRow(bars, asOf, volatilityHours)
  const earlier = firstRow(bars, asOf, volatilityHours + volumeHours)
  const range = meanTrueRange(bars, recent, row + 1, LEAST_SHARE_KNOWN * volatilityHours)
  const usual = meanTrueRange(bars, earlier, recent, LEAST_SHARE_KNOWN * volumeHours)
  if (Number.isNaN(range)) return `true range: too few of the last ${volatilityHours} h are known`
  if (Number.isNaN(usual)) return `true range: too few of the ${volumeHours} h before are known`
  if (usual === 0) return `true range: the price did not move in ${volumeHours} h`
  return {
    close: close[row],
    channelHigh: highest(high, channel, row),
    channelLow: lowest(low, channel, row),
    exitHigh: highest(high, exit, row),
    exitLow: lowest(low, exit, row),
    volumeRatio: volume[row] / meanVolume,
    volatilityRatio: range / usual,
  }
}

/** What a breakout lacks. */
function unconfirmed({ volumeRatio, volatilityRatio }: Reading, options: BreakoutOptions): string | undefined {
  const { minVolumeRatio, minVolatilityRatio } = options
  if (volumeRatio < minVolumeRatio) return `volume is ${volumeRatio.toFixed(2)} of its mean, below ${minVolumeRatio}`
  if (volatilityRatio < minVolatilityRatio) {
    return `true range is ${volatilityRatio.toFixed(2)} of the usual one, below ${minVolatilityRatio}`
  }
  return undefined
}

/** From the close to the exit of a held side in widths of the channel; zero or less where the exit is reached. */
function wayToExit({ close, channelHigh, channelLow, exitHigh, exitLow }: Reading, held: Direction): number {
  const way = held > 0 ? close - exitLow : exitHigh - close
  return way > 0 ? way / (channelHigh - channelLow) : 0
}
