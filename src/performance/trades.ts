import { HOUR } from '#data/bars.ts'
import type { Trade } from '../ledger/history.ts'
import type { Figure } from './figure.ts'

/** What closed trades brought; money in micro-dollars. */
export interface TradeFigures {
  readonly count: number
  /** Trades with a net gain: exactly 0 is none. */
  readonly wins: number
  readonly winRate: Figure
  /** Net gains over net losses. */
  readonly profitFactor: Figure
  /** Mean net result of the winners, and of the losers (negative). */
  readonly meanWin: Figure
  readonly meanLoss: Figure
  readonly meanHours: Figure
}

/** Win rate and profit factor of trades, by their net results: funding, fees and slippage included. */
export function tradeFigures(trades: readonly Pick<Trade, 'net' | 'openedAt' | 'closedAt'>[]): TradeFigures {
  let wins = 0
  let losses = 0
  let gained = 0
  let lost = 0
  let held = 0
  for (const { net, openedAt, closedAt } of trades) {
    held += closedAt - openedAt
    if (net > 0) {
      wins++
      gained += net
    } else if (net < 0) {
      losses++
      lost -= net
    }
  }
  const count = trades.length
  const noTrades = { unavailable: 'no trade was closed' }
  const ratio = (above: number, below: number, why: string): Figure =>
    count === 0 ? noTrades : below > 0 ? above / below : { unavailable: why }
  return {
    count,
    wins,
    winRate: ratio(wins, count, ''),
    profitFactor: ratio(gained, lost, 'no trade lost'),
    meanWin: ratio(gained, wins, 'no trade won'),
    meanLoss: ratio(-lost, losses, 'no trade lost'),
    meanHours: ratio(held / HOUR, count, ''),
  }
}
