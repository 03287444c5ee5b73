import type { Random } from '../random.ts'
import type { CoinTraits } from './coins.ts'
import { createDwell, ends } from './dwell.ts'

/** Regimes in the order of every probability vector. */
export const CHOP = 0
export const TREND = 1
export const REVERSAL = 2

/**
 * Everything that decides how a simulated coin goes on: given this state, the past adds nothing.
 * Log prices are relative to where the coin began; volatilities are logarithms around their long-run mean.
 */
export interface MarketState {
  regime: number
  /** Hours spent in the present phase, counting the present one. */
  age: number
  /** A reversal has two phases: 0 before its drift turns, 1 after. Always 0 elsewhere. */
  phase: number
  /** Where the drift is heading, in units of the quiet hourly volatility. */
  target: number
  /** Present drift in the same units; follows `target`. */
  drift: number
  logPrice: number
  /** Where a chopping price is drawn back to. */
  anchor: number
  /** Own and market-wide log volatility. */
  ownVolatility: number
  marketVolatility: number
}

/** Mean reversion of log volatility per hour, and the size of its shocks: clusters last about a day. */
const VOLATILITY_MEMORY = 0.97
const OWN_VOLATILITY_SHOCK = 0.11
const MARKET_VOLATILITY_SHOCK = 0.12
/** Share of the way to its target that the drift makes up in an hour. */
const DRIFT_SPEED = 0.4
/** Pull of the anchor on a chopping price per hour. */
const PULL = 0.2
/** Volatility of each regime relative to a quiet hour. */
const REGIME_VOLATILITY = [0.75, 1.0, 1.2]
/** Strength of the drift: median, and its spread in logarithms. */
const DRIFT_SIZE = [0, 0.3, 0.5]
const DRIFT_SPREAD = 0.35

const DWELL = [createDwell(36, 3, 4), createDwell(24, 4, 6)]
/** Both phases of a reversal. */
const REVERSAL_PHASE = createDwell(12, 4, 4)
/** Chance that a chop breaks out into a trend, a trend turns over into a reversal, a reversal goes on as a trend. */
const CHOP_TO_TREND = 0.5
const TREND_TO_REVERSAL = 0.5
const REVERSAL_TO_TREND = 0.25

/** The state before the first hour: a chop that has just begun, at average volatility. */
export function initialState(): MarketState {
  return {
    regime: CHOP,
    age: 0,
    phase: 0,
    target: 0,
    drift: 0,
    logPrice: 0,
    anchor: 0,
    ownVolatility: 0,
    marketVolatility: 0,
  }
}

/** Copies `from` into `to`. */
export function copyState(from: MarketState, to: MarketState): void {
  to.regime = from.regime
  to.age = from.age
  to.phase = from.phase
  to.target = from.target
  to.drift = from.drift
  to.logPrice = from.logPrice
  to.anchor = from.anchor
  to.ownVolatility = from.ownVolatility
  to.marketVolatility = from.marketVolatility
}

function enter(state: MarketState, regime: number, direction: number, random: Random): void {
  state.regime = regime
  state.age = 1
  state.phase = 0
  state.anchor = state.logPrice
  state.target = direction * DRIFT_SIZE[regime] * Math.exp(DRIFT_SPREAD * random.normal())
}

/** Moves the regime on by one hour: stay, turn (within a reversal), or enter the next one. */
function advanceRegime(state: MarketState, random: Random): void {
  const { regime } = state
  const dwell = regime === REVERSAL ? REVERSAL_PHASE : DWELL[regime]
  if (!ends(dwell, state.age, random)) {
    state.age++
    return
  }
  const direction = Math.sign(state.target)
  if (regime === REVERSAL && state.phase === 0) {
    state.phase = 1
    state.age = 1
    state.target = -state.target
  } else if (regime === CHOP) {
    const either = random.uniform() < 0.5 ? 1 : -1
    enter(state, random.uniform() < CHOP_TO_TREND ? TREND : REVERSAL, either, random)
  } else if (regime === TREND) {
    enter(state, random.uniform() < TREND_TO_REVERSAL ? REVERSAL : CHOP, direction, random)
  } else {
    enter(state, random.uniform() < REVERSAL_TO_TREND ? TREND : CHOP, direction, random)
  }
}

/** Student-t with 6 degrees of freedom, scaled to variance 1: chi-square with 6 degrees is -2 ln(u1 u2 u3). */
export function fatTailed(random: Random): number {
  const chiSquare = -2 * Math.log((1 - random.uniform()) * (1 - random.uniform()) * (1 - random.uniform()))
  return random.normal() * Math.sqrt(4 / chiSquare)
}

/** Log volatility of the market one hour on. */
export function nextMarketVolatility(present: number, random: Random): number {
  return VOLATILITY_MEMORY * present + MARKET_VOLATILITY_SHOCK * random.normal()
}

/** Standard deviation of the coin's own part of the next return, given the state after {@link advance}. */
export function hourlyVolatility(state: MarketState, traits: CoinTraits): number {
  return traits.volatility * REGIME_VOLATILITY[state.regime] * Math.exp(state.ownVolatility)
}

/**
 * One hour on: regime, volatilities, then price. Changes `state` in place.
 *
 * @param marketShock the market's own fat-tailed shock of this hour, variance 1, the same for all coins.
 * @param marketVolatility the market's log volatility in this hour.
 * @returns the log return of the hour.
 */
export function advance(
  state: MarketState,
  traits: CoinTraits,
  marketShock: number,
  marketVolatility: number,
  random: Random,
): number {
  advanceRegime(state, random)
  state.ownVolatility = VOLATILITY_MEMORY * state.ownVolatility + OWN_VOLATILITY_SHOCK * random.normal()
  state.marketVolatility = marketVolatility
  state.drift += DRIFT_SPEED * (state.target - state.drift)
  const volatility = hourlyVolatility(state, traits)
  const own = Math.sqrt(1 - traits.common) * volatility * fatTailed(random)
  const market = Math.sqrt(traits.common) * traits.volatility * Math.exp(marketVolatility) * marketShock
  const pull = state.regime === CHOP ? PULL * (state.anchor - state.logPrice) : 0
  const logReturn = state.drift * traits.volatility + pull + own + market
  state.logPrice += logReturn
  return logReturn
}
