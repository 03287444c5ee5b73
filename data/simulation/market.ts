import { HOUR } from '../bars.ts'
import { allocateCandles } from '../candles.ts'
import { fundingRate } from '../funding-rate.ts'
import type { Candles, FundingSeries } from '../provider.ts'
import type { Random } from '../random.ts'
import { type CoinTraits, traitsOf } from './coins.ts'
import {
  advance,
  CHOP,
  copyState,
  fatTailed,
  hourlyVolatility,
  initialState,
  type MarketState,
  nextMarketVolatility,
  TREND,
} from './state.ts'

/** What all coins share, hour by hour. */
export interface CommonFactor {
  readonly shock: Float64Array
  readonly volatility: Float64Array
}

/** One simulated coin, whole, with the truth behind it. */
export interface SimulatedCoin {
  readonly candles: Candles
  readonly funding: FundingSeries
  /** Mean premium of each hour, 8-hour units; `funding.rate` follows from it. */
  readonly premium: Float64Array
  /** Regime in force during each bar. */
  readonly regimes: Uint8Array
  /** State after each bar. */
  readonly states: readonly MarketState[]
  readonly traits: CoinTraits
}

/** Hours simulated and thrown away first, so that the series begins like any other part of it. */
export const BURN_IN = 240
/** Mean reversion of the premium per hour (half-life 5 h) and the size of its shocks. */
const PREMIUM_SPEED = 0.13
const PREMIUM_SHOCK = 0.00028
/** Where the premium settles: at rest, and per unit of drift, because those who follow a move pay for it. */
const PREMIUM_REST = 0.0001
const PREMIUM_PER_DRIFT = 0.0011
/** How much of a stressed market's premium is noise. */
const PREMIUM_STRESS = 0.8
const VOLUME_MEMORY = 0.8
const OPEN_INTEREST_SPEED = 0.01

/** The market's shocks for `hours` hours after the burn-in. */
export function simulateCommonFactor(hours: number, random: Random): CommonFactor {
  const length = BURN_IN + hours
  const shock = new Float64Array(length)
  const volatility = new Float64Array(length)
  let present = 0
  for (let i = 0; i < length; i++) {
    present = nextMarketVolatility(present, random)
    volatility[i] = present
    shock[i] = fatTailed(random)
  }
  return { shock, volatility }
}

/** Rounds to five significant figures, integers being always allowed: the venue's price rule. */
function roundPrice(price: number): number {
  return price >= 10_000 ? Math.round(price) : Number(price.toPrecision(5))
}

/** Largest value of a Brownian bridge from 0 to `end` with variance `variance`; a draw from its exact law. */
function bridgeMaximum(end: number, variance: number, random: Random): number {
  return (end + Math.sqrt(end * end - 2 * variance * Math.log(1 - random.uniform()))) / 2
}

/**
 * Simulates one coin from its own random stream: which other coins exist changes nothing.
 *
 * Traces that regimes leave besides the price: volatility and with it range and volume (lowest in a chop, highest
 * in a reversal), the premium and so funding (with the drift), open interest (builds up in a trend, is shaken out
 * in a reversal).
 */
export function simulateCoin(
  coin: string,
  start: number,
  hours: number,
  factor: CommonFactor,
  random: Random,
): SimulatedCoin {
  const traits = traitsOf(coin)
  const path = random.fork('path')
  const extras = random.fork('extras')
  const state = initialState()
  const column = () => new Float64Array(hours)
  const openInterest = column()
  const candles = { ...allocateCandles(coin, hours), openInterest }
  const funding = { coin, time: column(), rate: column() }
  const premiums = column()
  const regimes = new Uint8Array(hours)
  const states: MarketState[] = []
  let premium = PREMIUM_REST
  let volumeNoise = 0
  let positions = 0
  let before = traits.price

  for (let hour = 0; hour < BURN_IN + hours; hour++) {
    const marketVolatility = factor.volatility[hour]
    const logReturn = advance(state, traits, factor.shock[hour], marketVolatility, path)
    const { common, volatility } = traits
    const own = hourlyVolatility(state, traits)
    const variance = (1 - common) * own ** 2 + common * (volatility * Math.exp(marketVolatility)) ** 2
    const stress = Math.sqrt(variance) / volatility

    const centre = PREMIUM_REST + PREMIUM_PER_DRIFT * state.drift
    const shock = PREMIUM_SHOCK * (1 - PREMIUM_STRESS + PREMIUM_STRESS * stress) * fatTailed(extras)
    premium += PREMIUM_SPEED * (centre - premium) + shock
    volumeNoise = VOLUME_MEMORY * volumeNoise + 0.22 * extras.normal()
    const building = state.regime === CHOP ? 0 : state.regime === TREND ? 0.004 : -0.006
    positions += -OPEN_INTEREST_SPEED * positions + building + 0.006 * extras.normal()
    const close = roundPrice(traits.price * Math.exp(state.logPrice))
    const up = bridgeMaximum(logReturn, variance, extras)
    const down = bridgeMaximum(-logReturn, variance, extras)

    const i = hour - BURN_IN
    if (i >= 0) {
      const openTime = start + i * HOUR
      const hourOfDay = (openTime / HOUR) % 24
      const season = 0.35 * Math.cos((2 * Math.PI * (hourOfDay - 15)) / 24)
      const surprise = Math.abs(logReturn) / Math.sqrt(variance)
      const logVolume = 0.9 * Math.log(stress) + 0.3 * (surprise - 0.8) + season + volumeNoise
      candles.openTime[i] = openTime
      candles.open[i] = before
      candles.close[i] = close
      candles.high[i] = Math.max(before, close, roundPrice(before * Math.exp(up)))
      candles.low[i] = Math.min(before, close, roundPrice(before * Math.exp(-down)))
      candles.volume[i] = Number((traits.volume * Math.exp(logVolume)).toFixed(traits.sizeDecimals))
      openInterest[i] = Number((traits.openInterest * Math.exp(positions)).toFixed(traits.sizeDecimals))
      funding.time[i] = openTime + HOUR
      premiums[i] = Number(premium.toFixed(10))
      funding.rate[i] = Number(fundingRate(premiums[i]).toFixed(10))
      regimes[i] = state.regime
      const after = initialState()
      copyState(state, after)
      states.push(after)
    }
    before = close
  }
  return { candles, funding, premium: premiums, regimes, states, traits }
}
