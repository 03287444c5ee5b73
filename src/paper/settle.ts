import { toMicro } from '../account/money.ts'
import type { Journal } from '../ledger/journal.ts'
import type { HourMarkets } from './market.ts'

/**
 * What every full hour brings to open positions: funding on what is held, at the close for want of an oracle price
 * (Hyperliquid document, section 4), and a mark. An hour without a bar keeps the last price and says so; a rate that is
 * not known is null and moves nothing.
 */
export function settleHour(journal: Journal, markets: HourMarkets): void {
  const { time } = markets
  const open = [...journal.state.account.holdings].filter(([, { size }]) => size !== 0)
  for (const [coin, { size, mark }] of open) {
    const market = markets.of(coin)
    const price = market?.close ?? mark
    const rate = market === undefined || Number.isNaN(market.fundingRate) ? null : market.fundingRate
    const amount = rate === null ? 0 : toMicro(-size * price * rate)
    journal.record({ kind: 'funding', time, coin, size, price, rate, amount })
  }
  for (const [coin, { mark }] of open) {
    const market = markets.of(coin)
    journal.record({ kind: 'mark', time, coin, price: market?.close ?? mark, stale: market === undefined })
  }
}
