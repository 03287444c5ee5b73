import type { Candles } from './provider.ts'

/** Candles of `coin` with `length` rows of zeros, to be filled. */
export function allocateCandles(coin: string, length: number): Candles {
  const column = () => new Float64Array(length)
  return {
    coin,
    openTime: column(),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
  }
}
