import { createRandom } from '../random.ts'

/** What distinguishes one simulated coin from another. */
export interface CoinTraits {
  readonly price: number
  /** Standard deviation of an hourly log return in a quiet market. */
  readonly volatility: number
  /** Share of the variance that comes from the market as a whole. */
  readonly common: number
  /** Coins traded in an ordinary hour. */
  readonly volume: number
  /** Open interest in coins. */
  readonly openInterest: number
  readonly sizeDecimals: number
  readonly maxLeverage: number
}

type Row = [price: number, volatility: number, common: number, dollars: number, sizeDecimals: number, leverage: number]

/** Orders of magnitude of the real coins; `dollars` is what trades in an hour. */
const KNOWN: Record<string, Row> = {
  BTC: [95_000, 0.0045, 0.6, 90e6, 5, 40],
  ETH: [3_300, 0.006, 0.6, 60e6, 4, 25],
  HYPE: [24, 0.0105, 0.3, 25e6, 2, 10],
  SOL: [190, 0.0075, 0.5, 30e6, 2, 20],
  DOGE: [0.32, 0.0085, 0.5, 8e6, 0, 10],
  AVAX: [36, 0.008, 0.5, 2e6, 2, 10],
  LINK: [20, 0.008, 0.5, 3e6, 1, 10],
  UNI: [13, 0.0085, 0.45, 1.5e6, 1, 10],
}

/** Traits of a core coin, or of any other name drawn from the name itself. */
export function traitsOf(coin: string): CoinTraits {
  const random = createRandom(0).fork(`traits/${coin}`)
  const drawn: Row = [
    10 ** (random.uniform() * 4 - 1),
    0.007 + 0.005 * random.uniform(),
    0.3 + 0.3 * random.uniform(),
    10 ** (5.5 + 1.5 * random.uniform()),
    1,
    5,
  ]
  const [price, volatility, common, dollars, sizeDecimals, maxLeverage] = Object.hasOwn(KNOWN, coin)
    ? KNOWN[coin]
    : drawn
  // About eight hours of trading stand open on the real exchange.
  const openInterest = (8 * dollars) / price
  return { price, volatility, common, volume: dollars / price, openInterest, sizeDecimals, maxLeverage }
}
