import type { Account, Holding } from '../account/account.ts'
import type { ExitReason, FillEvent, HourEvent, Plan } from './events.ts'

/** One position from flat to flat; money in micro-dollars. */
export interface Trade {
  readonly coin: string
  readonly direction: 1 | -1
  /** Largest size that was held, coins. */
  readonly size: number
  readonly openedAt: number
  readonly closedAt: number
  /** Mean prices of the fills that opened and closed, weighted by size. */
  readonly entryPrice: number
  readonly exitPrice: number
  /** Price result at average cost, slippage included. */
  readonly realised: number
  readonly funding: number
  readonly fees: number
  readonly slippage: number
  /** realised + funding - fees. */
  readonly net: number
  readonly reason: ExitReason | 'liquidation'
  /** Share of each scanner in the opening, adds up to 1; empty where it is not known. */
  readonly sources: Readonly<Record<string, number>>
}

/** What has been: closed trades and the equity of every hour, for the record, the protections and the reports. */
export interface History {
  readonly trades: Trade[]
  /** Hours that the venue told, ascending; money in micro-dollars. */
  readonly hours: HourEvent[]
  /** Positions that are open, by coin. */
  readonly running: Map<string, Running>
  /** Micro-dollars traded by UTC day (days since 1970), buys and sells alike: what the fee tier follows from. */
  readonly volumeByDay: Map<number, number>
}

const DAY = 86_400_000

/** An open position, with the coin's account as it was just before. */
interface Running {
  readonly direction: 1 | -1
  readonly openedAt: number
  readonly before: Pick<Holding, 'realised' | 'funding' | 'fees' | 'slippage'>
  readonly sources: Readonly<Record<string, number>>
  size: number
  entered: { coins: number; dollars: number }
  left: { coins: number; dollars: number }
}

export function createHistory(): History {
  return { trades: [], hours: [], running: new Map(), volumeByDay: new Map() }
}

/** @returns what {@link noteFill} needs to know of a coin's holding before its fill. */
export function beforeFill(account: Account, coin: string): Running['before'] & { readonly size: number } {
  const { size = 0, realised = 0, funding = 0, fees = 0, slippage = 0 } = account.holdings.get(coin) ?? {}
  return { size, realised, funding, fees, slippage }
}

/**
 * Follows a position through a fill that the account has already taken. A fill that turns the position over ends one
 * trade and begins another; its fee is the ended one's.
 *
 * @param purpose of the order that was filled; undefined for a liquidation.
 */
export function noteFill(
  history: History,
  account: Account,
  fill: FillEvent,
  before: ReturnType<typeof beforeFill>,
  purpose: { readonly opens: Plan } | { readonly closes: ExitReason } | undefined,
): void {
  const day = Math.floor(fill.time / DAY)
  history.volumeByDay.set(day, (history.volumeByDay.get(day) ?? 0) + Math.abs(fill.notional))
  const holding = account.holdings.get(fill.coin)!
  const running = history.running.get(fill.coin)
  const closing = before.size !== 0 && Math.sign(fill.size) !== Math.sign(before.size)
  const closed = closing ? Math.min(Math.abs(before.size), Math.abs(fill.size)) : 0
  const opened = Math.abs(fill.size) - closed
  if (running !== undefined && closed > 0) {
    running.left.coins += closed
    running.left.dollars += closed * fill.price
  }
  if (running !== undefined && closing && (holding.size === 0 || Math.sign(holding.size) !== running.direction)) {
    history.trades.push(endOf(running, holding, fill, purpose))
    history.running.delete(fill.coin)
  }
  if (holding.size === 0 || opened === 0) return
  const open = history.running.get(fill.coin)
  if (open !== undefined) {
    open.entered.coins += opened
    open.entered.dollars += opened * fill.price
    open.size = Math.max(open.size, Math.abs(holding.size))
    return
  }
  const { realised, funding, fees, slippage } = closing ? holding : before
  history.running.set(fill.coin, {
    direction: holding.size > 0 ? 1 : -1,
    openedAt: fill.time,
    before: { realised, funding, fees, slippage },
    sources: purpose !== undefined && 'opens' in purpose ? purpose.opens.sources : {},
    size: Math.abs(holding.size),
    entered: { coins: opened, dollars: opened * fill.price },
    left: { coins: 0, dollars: 0 },
  })
}

function endOf(
  running: Running,
  holding: Holding,
  fill: FillEvent,
  purpose: { readonly opens: Plan } | { readonly closes: ExitReason } | undefined,
): Trade {
  const { before, direction, openedAt, sources, size, entered, left } = running
  const realised = holding.realised - before.realised
  const funding = holding.funding - before.funding
  const fees = holding.fees - before.fees
  const slippage = holding.slippage - before.slippage
  const reason = purpose === undefined ? 'liquidation' : 'closes' in purpose ? purpose.closes : 'opposite signal'
  return {
    coin: fill.coin,
    direction,
    size,
    openedAt,
    closedAt: fill.time,
    entryPrice: entered.dollars / entered.coins,
    exitPrice: left.dollars / left.coins,
    realised,
    funding,
    fees,
    slippage,
    net: realised + funding - fees,
    reason,
    sources,
  }
}
