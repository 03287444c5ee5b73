import { InputError, MillraceError } from '#data/errors.ts'
import type {
  DepositEvent,
  FillEvent,
  FundingEvent,
  LeverageEvent,
  MarkEvent,
  TransferEvent,
} from '../ledger/events.ts'
import type { MarginMode } from '../venue/order.ts'
import { toMicro } from './money.ts'

/** What an account holds of one coin and what that coin has brought so far; money in micro-dollars. */
export interface Holding {
  /** Signed, in coins; 0 when flat. */
  size: number
  /** What the open position cost at average entry prices, signed like the size. */
  cost: number
  /** Last price it was marked or filled at; `NaN` before the first. */
  mark: number
  mode: MarginMode
  /** Chosen leverage, 1 where none was. */
  leverage: number
  /**
   * Cash that belongs to an isolated position (the venue's `rawUsd`): its margin is this plus the position's value.
   * 0 for a cross position.
   */
  rawUsd: number
  realised: number
  funding: number
  fees: number
  /** Part of the price result: what fills lost against the prices at which they were decided. */
  slippage: number
}

/** An account, as its events left it. Nothing but {@link applyToAccount} may change it. */
export interface Account {
  /** Micro-dollars that came from outside. */
  deposits: number
  /** Micro-dollars after all cash flows, isolated positions' `rawUsd` included. */
  cash: number
  readonly holdings: Map<string, Holding>
}

/** Profit and loss since the start, in micro-dollars; funding received is positive, fees paid are positive. */
export interface Totals {
  readonly realised: number
  readonly unrealised: number
  readonly funding: number
  readonly fees: number
  /** Cash plus the value of what is open, less deposits: follows from cash flows, not from the four above. */
  readonly equityChange: number
}

/** The events that move money or positions. */
export type AccountEvent = DepositEvent | FillEvent | FundingEvent | MarkEvent | LeverageEvent | TransferEvent

export function createAccount(): Account {
  return { deposits: 0, cash: 0, holdings: new Map() }
}

/** The account that `events` lead to; events that move nothing are passed over by the caller. */
export function replayAccount(events: Iterable<AccountEvent>): Account {
  const account = createAccount()
  for (const event of events) applyToAccount(account, event)
  return account
}

/**
 * Carries out what an event means for money and positions.
 *
 * @throws {InputError} where an amount is not whole micro-dollars, or a fill's closedPnl is not what average cost gives.
 */
export function applyToAccount(account: Account, event: AccountEvent): void {
  switch (event.kind) {
    case 'deposit':
      mustBeWhole(event, event.amount)
      account.deposits += event.amount
      account.cash += event.amount
      return
    case 'fill':
      applyFill(account, event)
      return
    case 'funding': {
      mustBeWhole(event, event.amount)
      const holding = ownHolding(account, event.coin)
      holding.funding += event.amount
      account.cash += event.amount
      if (holding.mode === 'isolated') holding.rawUsd += event.amount
      return
    }
    case 'mark':
      ownHolding(account, event.coin).mark = event.price
      return
    case 'leverage': {
      const holding = ownHolding(account, event.coin)
      if (holding.size !== 0 && holding.mode !== event.mode) {
        throw new InputError(`${event.coin}: Cannot switch leverage type with open position.`, { coin: event.coin })
      }
      holding.mode = event.mode
      holding.leverage = event.leverage
      return
    }
    case 'transfer': {
      mustBeWhole(event, event.amount)
      ownHolding(account, event.coin).rawUsd += event.amount
    }
  }
}

function applyFill(account: Account, event: FillEvent): void {
  mustBeWhole(event, event.notional)
  mustBeWhole(event, event.fee)
  mustBeWhole(event, event.slippage)
  const holding = ownHolding(account, event.coin)
  const { realised, cost, size } = afterFill(holding, event.size, event.notional)
  if (realised !== event.closedPnl) {
    throw new InputError(`fill of ${event.coin}: closedPnl is ${event.closedPnl}, average cost gives ${realised}`, {
      coin: event.coin,
      time: event.time,
    })
  }
  holding.size = size
  holding.cost = cost
  holding.mark = event.price
  holding.realised += realised
  holding.fees += event.fee
  holding.slippage += event.slippage
  account.cash -= event.notional + event.fee
  if (holding.mode === 'isolated') holding.rawUsd -= event.notional + event.fee
}

/**
 * What a fill does to a position at average cost: adds to it, or closes some of it and realises the difference, or turns
 * it over. Micro-dollars; `realised` is the fill's closedPnl.
 */
export function afterFill(
  holding: Pick<Holding, 'size' | 'cost'>,
  size: number,
  notional: number,
): { readonly size: number; readonly cost: number; readonly realised: number } {
  const before = holding.size
  const after = roundSize(before + size)
  if (before === 0 || Math.sign(before) === Math.sign(size)) {
    return { size: after, cost: holding.cost + notional, realised: 0 }
  }
  // Of the fill, what closes; of the position, what is closed. Each is split once and its rest is the difference.
  const closing = Math.min(1, Math.abs(before / size))
  const closed = Math.min(1, Math.abs(size / before))
  const notionalClosing = closing === 1 ? notional : roundHalfAway(notional * closing)
  const costClosed = closed === 1 ? holding.cost : roundHalfAway(holding.cost * closed)
  const realised = noMinusZero(-(notionalClosing + costClosed))
  const cost = noMinusZero(holding.cost + notional - notionalClosing - costClosed)
  // A size within rounding of the position closes it whole: no cost may stay behind without coins.
  return after === 0 ? { size: 0, cost: 0, realised: noMinusZero(realised - cost) } : { size: after, cost, realised }
}

/** @returns the coin's value at its mark, in micro-dollars, signed like the size. */
export function valueAtMark(holding: Pick<Holding, 'size' | 'mark'>): number {
  return holding.size === 0 ? 0 : toMicro(holding.size * holding.mark)
}

/** Profit and loss of one coin's holding; its equity change follows from the parts. */
export function holdingTotals(holding: Holding): Totals {
  const { realised, funding, fees } = holding
  const unrealised = valueAtMark(holding) - holding.cost
  return { realised, unrealised, funding, fees, equityChange: realised + unrealised + funding - fees }
}

export function totals(account: Account): Totals {
  let value = 0
  let realised = 0
  let unrealised = 0
  let funding = 0
  let fees = 0
  for (const holding of account.holdings.values()) {
    value += valueAtMark(holding)
    unrealised += valueAtMark(holding) - holding.cost
    realised += holding.realised
    funding += holding.funding
    fees += holding.fees
  }
  return { realised, unrealised, funding, fees, equityChange: account.cash + value - account.deposits }
}

/** Cash plus the value of what is open, in micro-dollars. */
export function equityOf(account: Account): number {
  return account.deposits + totals(account).equityChange
}

/** Sum of |value| and signed sum of what is open, in micro-dollars. */
export function exposureOf(account: Account): { readonly gross: number; readonly net: number } {
  let gross = 0
  let net = 0
  for (const holding of account.holdings.values()) {
    const value = valueAtMark(holding)
    gross += Math.abs(value)
    net += value
  }
  return { gross, net }
}

/**
 * Checks equity change = realised + unrealised + funding - fees to the micro-dollar.
 *
 * @throws {MillraceError} `fail-closed` with both sides where it does not hold.
 */
export function checkIdentity(account: Account): Totals {
  const sums = totals(account)
  const parts = sums.realised + sums.unrealised + sums.funding - sums.fees
  if (parts !== sums.equityChange || !Number.isSafeInteger(parts)) {
    throw new MillraceError(
      'fail-closed',
      `account does not add up: equity changed by ${sums.equityChange} micro-dollars, its parts sum to ${parts}`,
      { ...sums },
    )
  }
  return sums
}

/** The account's holding of a coin; one that is flat and not part of the account where it never had one. */
export function holdingOf(account: Account, coin: string): Holding {
  return account.holdings.get(coin) ?? flat()
}

/** The holding that an event changes. Holdings stand in the order in which events named them, whoever looks. */
function ownHolding(account: Account, coin: string): Holding {
  let holding = account.holdings.get(coin)
  if (holding === undefined) {
    holding = flat()
    account.holdings.set(coin, holding)
  }
  return holding
}

function flat(): Holding {
  return {
    size: 0,
    cost: 0,
    mark: Number.NaN,
    mode: 'cross',
    leverage: 1,
    rawUsd: 0,
    realised: 0,
    funding: 0,
    fees: 0,
    slippage: 0,
  }
}

function mustBeWhole(event: AccountEvent, amount: number): void {
  if (Number.isSafeInteger(amount)) return
  throw new InputError(`${event.kind}: ${amount} is not a whole number of micro-dollars`, {
    time: event.time,
    value: amount,
  })
}

function roundHalfAway(value: number): number {
  return noMinusZero(Math.sign(value) * Math.round(Math.abs(value)))
}

function noMinusZero(value: number): number {
  return value === 0 ? 0 : value
}

/** The venue knows at most 8 decimals of a size; sums of such numbers must not drift from the grid. */
export function roundSize(size: number): number {
  return noMinusZero(Math.round(size * 1e8) / 1e8)
}
