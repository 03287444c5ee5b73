import { HOUR } from '#data/bars.ts'
import type { Candles, FundingSeries, Provider } from '#data/provider.ts'
import { createCsvProvider } from '#data/providers/csv.ts'

/** What the stand-in exchange knows of one coin. */
export interface ExchangeSeries {
  readonly coin: string
  readonly candles: Candles
  readonly funding: FundingSeries
  /** Coins; 0 unless given. */
  readonly openInterest?: number
  readonly delisted?: boolean
  readonly sizeDecimals?: number
  readonly maxLeverage?: number
}

/** The coins of any provider (simulated, CSV) as content of the exchange; all of them unless `coins` are given. */
export async function seriesFrom(provider: Provider, coins?: readonly string[]): Promise<ExchangeSeries[]> {
  const always = { from: 0, to: 3_000_000 * HOUR }
  const openInterest = new Map((await provider.openInterest()).map((present) => [present.coin, present.openInterest]))
  const instruments = await provider.universe()
  const series: ExchangeSeries[] = []
  for (const { coin, live, sizeDecimals, maxLeverage } of instruments) {
    if (coins !== undefined && !coins.includes(coin)) continue
    series.push({
      coin,
      candles: await provider.candles(coin, always),
      funding: await provider.funding(coin, always),
      openInterest: openInterest.get(coin),
      delisted: !live,
      sizeDecimals,
      maxLeverage,
    })
  }
  return series
}

/** The coins of a CSV directory as content of the exchange. */
export function seriesFromDirectory(directory: string, coins?: readonly string[]): Promise<ExchangeSeries[]> {
  return seriesFrom(createCsvProvider({ directory }), coins)
}
