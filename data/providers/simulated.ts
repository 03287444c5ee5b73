import { HOUR, lowerBound, type TimeRange } from '../bars.ts'
import { coreCoins } from '../core-coins.ts'
import { InputError } from '../errors.ts'
import type { Candles, FundingSeries, Provider } from '../provider.ts'
import { createRandom } from '../random.ts'
import { traitsOf } from '../simulation/coins.ts'
import { type CommonFactor, type SimulatedCoin, simulateCoin, simulateCommonFactor } from '../simulation/market.ts'
import { type OracleOptions, oracleProbabilities } from '../simulation/oracle.ts'
import { candlesWithin, checkRange, fundingWithin, unknownCoin } from './series.ts'

/** First bar of every simulation unless another is asked for. */
export const SIMULATION_START = Date.UTC(2025, 0, 1)
/** Half a year of hours. */
export const SIMULATION_HOURS = 4320

/** @see createSimulatedProvider */
export interface SimulatedOptions {
  readonly seed: number
  readonly coins?: readonly string[]
  /** Opening time of the first bar, UTC milliseconds on the full hour. */
  readonly start?: number
  /** Bars per coin. */
  readonly hours?: number
}

/** A provider that also knows the truth. */
export interface SimulatedProvider extends Provider {
  /** The true regime of each bar opened in `range`: 0 chop, 1 trend, 2 reversal. */
  regimes(coin: string, range: TimeRange): Uint8Array
  /** Mean premium of the hour of each bar opened in `range`, 8-hour units. */
  premium(coin: string, range: TimeRange): Float64Array
  /** The best possible answer at each moment; see {@link oracleProbabilities}. */
  oracle(coin: string, asOfTimes: Float64Array, options: OracleOptions): Float32Array
}

/**
 * A semi-Markov market with known regimes, made from a seed: no clock, no files, the same seed gives the same bars.
 *
 * Each coin dwells in chop (drawn back to an anchor), trend (persistent drift) or reversal (drift that turns its
 * sign on the way) for negative-binomial times; returns have fat tails (Student-t, 6 degrees of freedom), clustered
 * volatility and a factor common to all coins; funding follows a mean-reverting premium through the exchange's
 * formula. A coin's series depends on the seed, its name and the start, not on the other coins, the range asked for, or
 * the number of hours.
 *
 * @throws {InputError} for options that make no market.
 */
export function createSimulatedProvider(options: SimulatedOptions): SimulatedProvider {
  const { seed, coins = coreCoins, start = SIMULATION_START, hours = SIMULATION_HOURS } = options
  if (!Number.isSafeInteger(seed)) throw new InputError(`seed must be an integer, got ${seed}`, { field: 'seed' })
  if (!Number.isInteger(hours) || hours < 1 || hours > 200_000) {
    throw new InputError(`hours must be an integer from 1 to 200000, got ${hours}`, { field: 'hours', value: hours })
  }
  if (coins.length === 0) throw new InputError('the simulation needs at least one coin', { field: 'coins' })
  checkRange({ from: start, to: start + hours * HOUR })
  const origin = `simulated:${seed}`
  const random = createRandom(seed)
  const known = new Set(coins)
  const made = new Map<string, SimulatedCoin>()
  let factor: CommonFactor | undefined

  function coinOf(coin: string): SimulatedCoin {
    if (!known.has(coin)) throw unknownCoin(coin, origin, [...known])
    let simulated = made.get(coin)
    if (simulated === undefined) {
      factor ??= simulateCommonFactor(hours, random.fork('market'))
      simulated = simulateCoin(coin, start, hours, factor, random.fork(`coin/${coin}`))
      made.set(coin, simulated)
    }
    return simulated
  }

  /** Indices of the bars opened in `range`. */
  function within(coin: SimulatedCoin, range: TimeRange): [number, number] {
    checkRange(range)
    const { openTime } = coin.candles
    return [lowerBound(openTime, range.from), lowerBound(openTime, range.to)]
  }

  return {
    name: 'simulated',
    origin,
    remote: false,
    async universe(signal) {
      signal?.throwIfAborted()
      return Array.from(known, (coin) => {
        const { sizeDecimals, maxLeverage } = traitsOf(coin)
        return { coin, live: true, sizeDecimals, maxLeverage }
      })
    },
    async candles(coin: string, range: TimeRange, signal?: AbortSignal): Promise<Candles> {
      signal?.throwIfAborted()
      checkRange(range)
      return candlesWithin(coinOf(coin).candles, range)
    },
    async funding(coin: string, range: TimeRange, signal?: AbortSignal): Promise<FundingSeries> {
      signal?.throwIfAborted()
      checkRange(range)
      return fundingWithin(coinOf(coin).funding, range)
    },
    async openInterest(signal) {
      signal?.throwIfAborted()
      return Array.from(known, (coin) => {
        const openInterest = coinOf(coin).candles.openInterest as Float64Array
        return { coin, time: start + hours * HOUR, openInterest: openInterest[hours - 1] }
      })
    },
    regimes(coin, range) {
      const simulated = coinOf(coin)
      return simulated.regimes.slice(...within(simulated, range))
    },
    premium(coin, range) {
      const simulated = coinOf(coin)
      return simulated.premium.slice(...within(simulated, range))
    },
    oracle: (coin, asOfTimes, oracleOptions) => oracleProbabilities(coinOf(coin), asOfTimes, oracleOptions),
    takeNotices: () => [],
    close: async () => {},
  }
}
