import { MillraceError } from '#data/errors.ts'
import type { Decision, DecisionLog } from './decision.ts'
import {
  type Account,
  type AccountEvent,
  checkIdentity,
  holdingOf,
  holdingTotals,
  type Totals,
} from './paper/account.ts'
import { toDollars } from './paper/money.ts'
import type { HourOutcome, Trade } from './positions.ts'

/** The four figures of a result; at the end everything is closed, so equityChange = realised + funding - fees. */
export interface ProfitAndLoss {
  readonly realised: number
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
  /** Opening orders that met a missing bar. */
  readonly lapsed: number
  /** Hourly, after fills, funding and marks of the hour; UTC milliseconds and dollars. */
  readonly equity: { readonly time: number[]; readonly value: number[] }
  readonly perCoin: Record<string, CoinResult>
  /** How often each gate spoke against an opening; `gate (unavailable)` where it could not tell. */
  readonly rejections: Record<string, number>
  /** Coin-hours in which the Kalman scanner worked with its rolling window, and how often that began. */
  readonly kalmanFallbacks: number
  readonly kalmanSwitches: number
  /** Hours in which an open position met an unknown funding rate and was charged nothing. */
  readonly unknownFundingHours: number
  /** Hours in which an open position kept its old mark because there was no bar. */
  readonly staleMarkHours: number
  /** Closings at the end of the period that had to take an older price. */
  readonly staleFills: number
  /** Decisions that had something to decide, in order. */
  readonly decisionLog: readonly Decision[]
  readonly tradeLog: readonly Trade[]
  /** The account's events, from which every figure above follows. */
  readonly events: readonly AccountEvent[]
}

/** What is counted for each coin while the wheel turns. */
interface CoinCounts {
  readonly coin: string
  readonly degraded: ReadonlyMap<string, { readonly hours: number; readonly switches: number }>
}

const KALMAN = 'kalman-funding'

/** @throws {MillraceError} `fail-closed` where the account does not add up or is not flat. */
export function summarise(
  account: Account,
  log: DecisionLog,
  outcome: HourOutcome,
  equity: { readonly time: Float64Array; readonly value: Float64Array },
  coins: readonly CoinCounts[],
): WheelResult {
  const books = checkIdentity(account)
  mustBeFlat(account, books)
  const perCoin: Record<string, CoinResult> = {}
  let kalmanFallbacks = 0
  let kalmanSwitches = 0
  for (const { coin, degraded } of coins) {
    const trades = outcome.trades.filter((trade) => trade.coin === coin)
    perCoin[coin] = coinResult(holdingTotals(holdingOf(account, coin)), trades)
    kalmanFallbacks += degraded.get(KALMAN)?.hours ?? 0
    kalmanSwitches += degraded.get(KALMAN)?.switches ?? 0
  }
  return {
    decisions: log.evaluated,
    opened: outcome.opened,
    closed: outcome.trades.length,
    lapsed: outcome.lapsed,
    ...coinResult(books, outcome.trades),
    equity: { time: Array.from(equity.time), value: Array.from(equity.value) },
    perCoin,
    rejections: log.rejections,
    kalmanFallbacks,
    kalmanSwitches,
    unknownFundingHours: outcome.unknownFunding,
    staleMarkHours: outcome.staleMarks,
    staleFills: outcome.staleFills,
    decisionLog: log.decisions,
    tradeLog: outcome.trades,
    events: account.events,
  }
}

/** Without what is still open, equityChange = realised + funding - fees would not hold. */
function mustBeFlat(account: Account, { unrealised }: Totals): void {
  const open = [...account.holdings].flatMap(([coin, { size }]) => (size === 0 ? [] : [`${size} ${coin}`]))
  if (open.length === 0 && unrealised === 0) return
  const words = `the wheel ended with ${open.join(', ')} open and ${unrealised} micro-dollars unrealised`
  throw new MillraceError('fail-closed', words, { open, unrealised })
}

function coinResult({ realised, funding, fees, equityChange }: Totals, trades: readonly Trade[]): CoinResult {
  return {
    realised: toDollars(realised),
    funding: toDollars(funding),
    fees: toDollars(fees),
    equityChange: toDollars(equityChange),
    trades: trades.length,
    wins: trades.filter((trade) => trade.net > 0).length,
    micro: { realised, funding, fees, equityChange },
  }
}
