import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HOUR } from '#data/bars.ts'
import type { DatasetRequest } from '#training/history.ts'
import { randomBars, START } from '../../markets.ts'

const HOURS = 1000
const COINS = ['BTC', 'ETH'] as const
/** First hour of the test period. */
export const TEST_FROM = START + 850 * HOUR

/**
 * Two coins of random bars as CSV files, from `changedFrom` on (known at; UTC milliseconds) with other prices, volumes
 * and funding.
 */
export function csvMarket(changedFrom = Number.POSITIVE_INFINITY): DatasetRequest {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-csv-'))
  for (const name of ['candles', 'funding']) mkdirSync(join(folder, name))
  for (const [i, coin] of COINS.entries()) {
    const bars = randomBars(i + 1, HOURS)
    const other = randomBars(i + 11, HOURS)
    const candles = ['ts_ms,open,high,low,close,volume']
    const funding = ['ts_ms,funding_rate']
    for (let row = 0; row < HOURS; row++) {
      const time = bars.openTime[row]
      const { open, high, low, close, volume, funding: rate } = time + HOUR > changedFrom ? other : bars
      candles.push([time, open[row], high[row], low[row], close[row], volume[row]].join(','))
      funding.push(`${time + HOUR},${rate[row]}`)
    }
    writeFileSync(join(folder, 'candles', `${coin}.csv`), `${candles.join('\n')}\n`)
    writeFileSync(join(folder, 'funding', `${coin}.csv`), `${funding.join('\n')}\n`)
  }
  return { source: { source: 'csv', data: folder }, coins: [...COINS], testFrom: TEST_FROM, state: folder }
}
