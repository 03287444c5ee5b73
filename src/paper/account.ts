import { InputError, MillraceError } from '#data/errors.ts'
import { toMicro } from './money.ts'

interface EventBase {
  /** When it happened, UTC milliseconds; never before the event before it. */
  readonly time: number
  readonly coin: string
}

/** An order that is about to be sent: always recorded before what becomes of it. */
export interface IntentEvent extends EventBase {
  readonly kind: 'intent'
  /** Number of the order, unique in the account. */
  readonly order: number
  /** Signed change of the position in coins. */
  readonly size: number
  readonly reason: string
}

/** An order that ended without a fill. */
export interface LapseEvent extends EventBase {
  readonly kind: 'lapse'
  readonly order: number
  readonly reason: string
}

export interface FillEvent extends EventBase {
  readonly kind: 'fill'
  readonly order: number
  /** Signed, in coins. */
  readonly size: number
  readonly price: number
  /** size x price in micro-dollars, signed like the size. */
  readonly notional: number
  /** True where the price is the last known one because the hour had none. */
  readonly stale: boolean
}

export interface FeeEvent extends EventBase {
  readonly kind: 'fee'
  readonly order: number
  /** Micro-dollars paid, zero or more. */
  readonly amount: number
}

export interface FundingEvent extends EventBase {
  readonly kind: 'funding'
  /** Position that was held over the hour before `time`, in coins. */
  readonly size: number
  /** Stand-in for the oracle price. */
  readonly price: number
  /** Fraction per hour; null where the rate is not known, and then the amount is 0. */
  readonly rate: number | null
  /** Micro-dollars received; negative: paid. */
  readonly amount: number
}

export interface MarkEvent extends EventBase {
  readonly kind: 'mark'
  readonly price: number
}

/** Everything that can happen to an account, in the order in which it happened. */
export type AccountEvent = IntentEvent | LapseEvent | FillEvent | FeeEvent | FundingEvent | MarkEvent

/** What an account holds of one coin and what that coin has brought so far; money in micro-dollars. */
export interface Holding {
  /** Signed, in coins; 0 when flat. */
  size: number
  /** What the open position cost, signed like the size: its value at the entry prices. */
  cost: number
  /** Last price it was marked or filled at. */
  mark: number
  realised: number
  funding: number
  fees: number
}

/** An account: its events, and what follows from them. Nothing but {@link record} may change it. */
export interface Account {
  /** Micro-dollars at the start. */
  readonly start: number
  readonly events: AccountEvent[]
  /** Micro-dollars after all cash flows: what buying and selling, fees and funding left. */
  cash: number
  readonly holdings: Map<string, Holding>
}

/** Profit and loss since the start, in micro-dollars; funding received is positive, fees paid are positive. */
export interface Totals {
  readonly realised: number
  readonly unrealised: number
  readonly funding: number
  readonly fees: number
  /** Cash plus the value of what is open, less the start: follows from cash flows, not from the four above. */
  readonly equityChange: number
}

/** @param start whole micro-dollars. */
export function createAccount(start: number): Account {
  if (!Number.isSafeInteger(start)) throw new InputError(`start must be whole micro-dollars, got ${start}`, { start })
  return { start, events: [], cash: start, holdings: new Map() }
}

/** The account that `events` lead to: the same as the one that recorded them. */
export function replay(start: number, events: readonly AccountEvent[]): Account {
  const account = createAccount(start)
  for (const event of events) record(account, event)
  return account
}

/**
 * Appends an event and carries out what it means.
 *
 * @throws {InputError} where the event goes back in time or its amounts are not whole micro-dollars.
 */
export function record(account: Account, event: AccountEvent): void {
  const last = account.events.at(-1)
  if (last !== undefined && event.time < last.time) {
    throw new InputError(`${event.kind} of ${event.coin} at ${event.time} is before the last event at ${last.time}`, {
      coin: event.coin,
      time: event.time,
    })
  }
  const holding = holdingOf(account, event.coin)
  switch (event.kind) {
    case 'fill':
      mustBeWhole(event, event.notional)
      applyFill(holding, event)
      account.cash -= event.notional
      break
    case 'fee':
      mustBeWhole(event, event.amount)
      holding.fees += event.amount
      account.cash -= event.amount
      break
    case 'funding':
      mustBeWhole(event, event.amount)
      holding.funding += event.amount
      account.cash += event.amount
      break
    case 'mark':
      holding.mark = event.price
      break
    case 'intent':
    case 'lapse':
      break
  }
  account.events.push(event)
}

/** Adds to the position, or closes some of it at average cost and realises the difference, or turns it over. */
function applyFill(holding: Holding, { size, notional, price }: FillEvent): void {
  const before = holding.size
  holding.mark = price
  holding.size = roundSize(before + size)
  if (before === 0 || Math.sign(before) === Math.sign(size)) {
    holding.cost += notional
    return
  }
  // Of the fill, what closes; of the position, what is closed. Each is split once and its rest is the difference.
  const closing = Math.min(1, Math.abs(before / size))
  const closed = Math.min(1, Math.abs(size / before))
  const notionalClosing = closing === 1 ? notional : roundHalfAway(notional * closing)
  const costClosed = closed === 1 ? holding.cost : roundHalfAway(holding.cost * closed)
  holding.realised -= notionalClosing + costClosed
  holding.cost += notional - notionalClosing - costClosed
  // A size within rounding of the position closes it whole: no cost may stay behind without coins.
  if (holding.size === 0 && holding.cost !== 0) {
    holding.realised -= holding.cost
    holding.cost = 0
  }
}

/** @returns the coin's value at its mark, in micro-dollars, signed like the size. */
export function valueAtMark(holding: Holding): number {
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
  return { realised, unrealised, funding, fees, equityChange: account.cash + value - account.start }
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
      { ...sums, events: account.events.length },
    )
  }
  return sums
}

/** The account's holding of a coin, flat if it never had one. */
export function holdingOf(account: Account, coin: string): Holding {
  let holding = account.holdings.get(coin)
  if (holding === undefined) {
    holding = { size: 0, cost: 0, mark: Number.NaN, realised: 0, funding: 0, fees: 0 }
    account.holdings.set(coin, holding)
  }
  return holding
}

function mustBeWhole(event: AccountEvent, amount: number): void {
  if (Number.isSafeInteger(amount)) return
  throw new InputError(`${event.kind} of ${event.coin}: ${amount} is not a whole number of micro-dollars`, {
    coin: event.coin,
    time: event.time,
    value: amount,
  })
}

function roundHalfAway(value: number): number {
  const rounded = Math.sign(value) * Math.round(Math.abs(value))
  return rounded === 0 ? 0 : rounded
}

/** The venue knows at most 8 decimals of a size; sums of such numbers must not drift from the grid. */
function roundSize(size: number): number {
  const rounded = Math.round(size * 1e8) / 1e8
  return rounded === 0 ? 0 : rounded
}
