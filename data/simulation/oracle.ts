import { HOUR, lowerBound } from '../bars.ts'
import type { Random } from '../random.ts'
import type { SimulatedCoin } from './market.ts'
import { advance, CHOP, copyState, fatTailed, initialState, nextMarketVolatility, REVERSAL, TREND } from './state.ts'

/** @see oracleProbabilities */
export interface OracleOptions {
  /** Continuations drawn per moment; the standard error of a probability is at most `0.5 / sqrt(paths)`. */
  readonly paths: number
  readonly random: Random
  /** Half-width w of the centred label, hours. */
  readonly halfWidth: number
  /** Threshold kappa of the centred label. */
  readonly kappa: number
}

/** Returns whose root mean square is sigma (design section 4). */
const SIGMA_HOURS = 168

/**
 * What the best possible classifier would say: the probability of each centred label (design section 5) given
 * everything that decides the future at `asOf`, hidden state included.
 *
 * Half of the label, `a`, is known then. The other half, `b`, is drawn `paths` times by letting the market itself
 * go on from its true state (regime and how long it has lasted, drift, anchor, volatilities), with fresh shocks: the
 * oracle knows the present, not the future. No model that sees only bars can have a lower expected log-loss.
 *
 * Probabilities are `(count + 1/2) / (paths + 3/2)`, so that none is exactly zero for want of draws.
 *
 * @param asOfTimes moments on the full hour, UTC milliseconds.
 * @returns row-major `[asOfTimes.length, 3]`; `NaN` where no bar ends then or fewer than 168 returns are known.
 */
export function oracleProbabilities(
  coin: SimulatedCoin,
  asOfTimes: Float64Array,
  { paths, random, halfWidth, kappa }: OracleOptions,
): Float32Array {
  const { openTime, close } = coin.candles
  const probabilities = new Float32Array(asOfTimes.length * 3).fill(Number.NaN)
  const state = initialState()
  const counts = new Uint32Array(3)
  for (let row = 0; row < asOfTimes.length; row++) {
    const i = lowerBound(openTime, asOfTimes[row] - HOUR)
    if (openTime[i] !== asOfTimes[row] - HOUR || i < Math.max(SIGMA_HOURS, halfWidth)) continue
    let squares = 0
    for (let j = i - SIGMA_HOURS + 1; j <= i; j++) squares += Math.log(close[j] / close[j - 1]) ** 2
    const scale = Math.sqrt(squares / SIGMA_HOURS) * Math.sqrt(halfWidth)
    const known = Math.log(close[i] / close[i - halfWidth])
    counts.fill(0)
    for (let path = 0; path < paths; path++) {
      copyState(coin.states[i], state)
      let ahead = 0
      for (let hour = 0; hour < halfWidth; hour++) {
        const volatility = nextMarketVolatility(state.marketVolatility, random)
        ahead += advance(state, coin.traits, fatTailed(random), volatility, random)
      }
      const size = (Math.abs(known) + Math.abs(ahead)) / scale
      counts[size < kappa ? CHOP : known > 0 === ahead > 0 ? TREND : REVERSAL]++
    }
    for (let k = 0; k < 3; k++) probabilities[row * 3 + k] = (counts[k] + 0.5) / (paths + 1.5)
  }
  return probabilities
}
