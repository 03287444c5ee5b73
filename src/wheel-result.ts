import { checkIdentity, type Holding, holdingTotals, type Totals } from './account/account.ts'
import { toDollars } from './account/money.ts'
import type { LedgerEvent } from './ledger/events.ts'
import type { History, Trade } from './ledger/history.ts'
import type { LedgerState } from './ledger/state.ts'
import type { DecisionTally } from './rejections.ts'

/** The figures of a result: equityChange = realised + unrealised + funding - fees. */
export interface ProfitAndLoss {
  readonly realised: number
  /** 0 unless something could not be closed by the end. */
  readonly unrealised: number
  /** Received positive. */
  readonly funding: number
  /** Paid positive. */
  readonly fees: number
  readonly equityChange: number
}

/** One coin's share; money in dollars. */
export interface CoinResult extends ProfitAndLoss {
  readonly trades: number
  /** Trades whose realised + funding - fees was above zero. */
  readonly wins: number
  /** The same in whole micro-dollars, exact. */
  readonly micro: ProfitAndLoss
}

/** What the wheel did over its range; money in dollars, exact in `micro`. */
export interface WheelResult extends CoinResult {
  /** Decisions evaluated: one per coin and hour. */
  readonly decisions: number
  readonly opened: number
  readonly closed: number
  /** Opening orders that the exchange did not fill at all. */
  readonly lapsed: number
  /** Hourly, after fills, funding and marks of the hour; UTC milliseconds and dollars. */
  readonly equity: { readonly time: number[]; readonly value: number[] }
  readonly perCoin: Record<string, CoinResult>
  /** How often each gate spoke against an opening; `gate (unavailable)` where it could not tell. */
  readonly rejections: Record<string, number>
  readonly rejectionsByMonth: Record<string, Record<string, number>>
  /** Coin-hours in which the Kalman scanner worked with its rolling window, and how often that began. */
  readonly kalmanFallbacks: number
  readonly kalmanSwitches: number
  /** Hours in which an open position met an unknown funding rate and was charged nothing. */
  readonly unknownFundingHours: number
  /** Hours in which an open position kept its old mark because there was no bar. */
  readonly staleMarkHours: number
  readonly liquidations: number
  /** Coins that could not be closed by the end. */
  readonly stillOpen: readonly string[]
  readonly tradeLog: readonly Trade[]
  readonly history: History
  /** The account's events, from which every figure above follows. */
  readonly events: readonly LedgerEvent[]
}

const KALMAN = 'kalman-funding'

/** @throws {MillraceError} `fail-closed` where the account does not add up. */
export function summarise(
  state: LedgerState,
  events: Iterable<LedgerEvent>,
  tally: DecisionTally,
  coins: readonly string[],
): WheelResult {
  const { account, history } = state
  const books = checkIdentity(account)
  const all = [...events]
  const perCoin: Record<string, CoinResult> = {}
  for (const coin of coins) {
    const holding = account.holdings.get(coin)
    perCoin[coin] = coinResult(
      holding === undefined ? FLAT : holdingTotals(holding),
      history.trades.filter((trade) => trade.coin === coin),
    )
  }
  const open = [...account.holdings].flatMap(([coin, { size }]: [string, Holding]) => (size === 0 ? [] : [coin]))
  return {
    decisions: tally.evaluated,
    opened: history.trades.length + history.running.size,
    closed: history.trades.length,
    lapsed: lapsedOpenings(all),
    ...coinResult(books, history.trades),
    equity: {
      time: history.hours.map(({ time }) => time),
      value: history.hours.map(({ equity }) => toDollars(equity)),
    },
    perCoin,
    rejections: tally.rejections,
    rejectionsByMonth: tally.byMonth,
    kalmanFallbacks: tally.degraded[KALMAN]?.hours ?? 0,
    kalmanSwitches: tally.degraded[KALMAN]?.switches ?? 0,
    unknownFundingHours: all.filter((event) => event.kind === 'funding' && event.rate === null).length,
    staleMarkHours: all.filter((event) => event.kind === 'mark' && event.stale).length,
    liquidations: all.filter((event) => event.kind === 'liquidation').length,
    stillOpen: open,
    tradeLog: history.trades,
    history,
    events: all,
  }
}

const FLAT: Totals = { realised: 0, unrealised: 0, funding: 0, fees: 0, equityChange: 0 }

function lapsedOpenings(events: readonly LedgerEvent[]): number {
  const filled = new Set(events.flatMap((event) => (event.kind === 'fill' ? [event.cloid] : [])))
  return events.filter((event) => event.kind === 'intent' && 'opens' in event.purpose && !filled.has(event.order.cloid))
    .length
}

function coinResult(
  { realised, unrealised, funding, fees, equityChange }: Totals,
  trades: readonly Trade[],
): CoinResult {
  return {
    realised: toDollars(realised),
    unrealised: toDollars(unrealised),
    funding: toDollars(funding),
    fees: toDollars(fees),
    equityChange: toDollars(equityChange),
    trades: trades.length,
    wins: trades.filter((trade) => trade.net > 0).length,
    micro: { realised, unrealised, funding, fees, equityChange },
  }
}
