import { HOUR, type TimeRange } from '#data/bars.ts'
import { InputError, MillraceError } from '#data/errors.ts'
import { checkIdentity, equityOf } from '../account/account.ts'
import type { DepositEvent, HourEvent, LedgerEvent } from '../ledger/events.ts'
import { applyEvent, createLedgerState, type LedgerState } from '../ledger/state.ts'
import { type Attribution, attributionBetween, attributionOf } from './attribution.ts'
import { type Drawdown, drawdownOf } from './drawdown.ts'
import { type Exposure, exposureOfHours } from './exposure.ts'
import type { Figure, Missing } from './figure.ts'
import { type EquityCurve, equityCurve } from './returns.ts'
import { HOURS_PER_YEAR, type SharpeFigures, sharpeOf, sortinoOf, type Trials } from './sharpe.ts'
import { type TradeFigures, tradeFigures } from './trades.ts'

/** How an account has done between two points of its ledger; money in micro-dollars. */
export interface Performance {
  /** From the beginning of the first told hour to the end of the last; undefined where none was told. */
  readonly range: TimeRange | undefined
  /** Hours that were told, and hours missing between them. */
  readonly hours: number
  readonly missingHours: number
  /** change = closing - opening - paidIn = attribution.total.net. */
  readonly equity: {
    readonly opening: number
    readonly closing: number
    readonly paidIn: number
    readonly change: number
  }
  /** Growth of what was there, money paid in left out. */
  readonly totalReturn: Figure
  readonly sharpe: SharpeFigures | Missing
  readonly sortino: Figure
  readonly drawdown: Drawdown | Missing
  readonly trades: TradeFigures
  /** Traded notional over mean equity, a year. */
  readonly turnover: Figure
  readonly exposure: Exposure
  readonly attribution: Attribution
  /** What the figures were taken from. */
  readonly curve: EquityCurve
}

type Books = Pick<LedgerState, 'account' | 'history'>

/** Where a period begins: what had been earned, closed and told by then. */
export interface Opening {
  readonly equity: number
  readonly deposits: number
  readonly trades: number
  readonly hours: number
  readonly attribution: Attribution
}

/** The books as they are now, as the beginning of a period. */
export function openingOf({ account, history }: Books): Opening {
  return {
    equity: equityOf(account),
    deposits: account.deposits,
    trades: history.trades.length,
    hours: history.hours.length,
    attribution: attributionOf({ account, history }),
  }
}

/** @see performanceOf */
export interface PerformanceOptions {
  /** Where the period begins; absent: with the ledger. */
  readonly since?: Opening
  /** Money that came in during the period; absent: all of it was there from the beginning. */
  readonly deposits?: readonly Pick<DepositEvent, 'time' | 'amount'>[]
  /** Sum of |notional| of the period's fills, micro-dollars; absent: there is no turnover. */
  readonly traded?: number
  readonly trials?: Trials
}

/**
 * How the books have done from an opening until now. Figures that the period cannot tell say why; none is made 0.
 *
 * For: reports, the gates before money. Not for: choosing among many backtests without `trials`.
 *
 * @throws {MillraceError} `fail-closed` where the parts do not add up to the change of equity to the micro-dollar
 * @throws {InputError} where the deposits are not those of the account
 */
export function performanceOf({ account, history }: Books, options: PerformanceOptions = {}): Performance {
  const { since = NOTHING, traded, trials } = options
  checkIdentity(account)
  const { hours, opening, later } = beginningOf(history.hours.slice(since.hours), since, account.deposits, options)
  const begin = hours.length > 0 ? hours[0].time - HOUR : Number.POSITIVE_INFINITY
  const paidIn = sumOf(later)
  const closing = equityOf(account)
  const change = closing - opening - paidIn
  const attribution = attributionBetween(since.attribution, attributionOf({ account, history }))
  mustAddUp(attribution, change)

  const curve = equityCurve(opening, hours, later)
  const last = hours.length - 1
  const spanned = hours.length === 0 ? 0 : (hours[last].time - begin) / HOUR
  return {
    range: hours.length === 0 ? undefined : { from: begin, to: hours[last].time },
    hours: hours.length,
    missingHours: spanned - hours.length,
    equity: { opening, closing, paidIn, change },
    totalReturn: hours.length === 0 ? NO_HOUR : curve.growth[last] - 1,
    sharpe: sharpeOf(curve.returns, trials),
    sortino: sortinoOf(curve.returns),
    drawdown: hours.length === 0 ? NO_HOUR : drawdownOf(curve),
    trades: tradeFigures(history.trades.slice(since.trades)),
    turnover: turnoverOf(traded, curve, spanned),
    exposure: exposureOfHours(hours),
    attribution,
    curve,
  }
}

/**
 * The same from a ledger's events.
 *
 * @param range full hours; the period begins when the venue has told everything up to `from` and ends when it has told
 *   everything up to `to`, so that a decision taken at `from` belongs to it and one taken at `to` does not. Absent: all
 *   events.
 */
export function performanceWithin(
  events: Iterable<LedgerEvent>,
  { range, trials }: { readonly range?: TimeRange; readonly trials?: Trials } = {},
): Performance {
  const state = createLedgerState()
  const deposits: DepositEvent[] = []
  let since = range === undefined ? NOTHING : undefined
  let traded = 0
  const told = (event: LedgerEvent, time: number) =>
    (state.advancedTo ?? Number.NEGATIVE_INFINITY) >= time || event.time > time
  for (const event of events) {
    if (range !== undefined && told(event, range.to)) break
    if (range !== undefined && since === undefined && told(event, range.from)) since = openingOf(state)
    applyEvent(state, event)
    if (since === undefined) continue
    if (event.kind === 'deposit') deposits.push(event)
    if (event.kind === 'fill') traded += Math.abs(event.notional)
  }
  return performanceOf(state, { since: since ?? openingOf(state), deposits, traded, trials })
}

const EMPTY = { price: 0, funding: 0, fees: 0, slippage: 0, net: 0 }
const NOTHING: Opening = {
  equity: 0,
  deposits: 0,
  trades: 0,
  hours: 0,
  attribution: { total: EMPTY, byCoin: {}, bySource: {} },
}
const NO_HOUR: Missing = { unavailable: 'no hour was told' }

/**
 * What was there at the beginning, the hours that were lived through, and what was paid in during them.
 *
 * A ledger begins with a deposit, wherever within its first hour that came. The engine then tells the hour at which it
 * begins, with the deposit as its equity: that is the opening, not an hour in which nothing was earned.
 */
function beginningOf(
  told: readonly HourEvent[],
  since: Opening,
  deposits: number,
  { deposits: given = [{ time: Number.NEGATIVE_INFINITY, amount: deposits - since.deposits }] }: PerformanceOptions,
): { readonly hours: readonly HourEvent[]; readonly opening: number; readonly later: typeof given } {
  const paid = sumOf(given)
  if (paid !== deposits - since.deposits) {
    const details = { given: paid, account: deposits - since.deposits }
    throw new InputError('the deposits given are not those of the account', details)
  }
  if (told.length === 0) return { hours: [], opening: since.equity + paid, later: [] }
  const begin = since.equity === 0 ? told[0].time : told[0].time - HOUR
  const later = given.filter(({ time }) => time > begin)
  const opening = since.equity + paid - sumOf(later)
  const onlyTells = since.equity === 0 && told[0].gross === 0 && told[0].equity === opening
  return { hours: onlyTells ? told.slice(1) : told, opening, later }
}

function sumOf(deposits: readonly Pick<DepositEvent, 'amount'>[]): number {
  return deposits.reduce((sum, { amount }) => sum + amount, 0)
}

function turnoverOf(traded: number | undefined, { equity }: EquityCurve, hours: number): Figure {
  if (traded === undefined) return { unavailable: 'the fills are not known' }
  if (hours === 0) return NO_HOUR
  const mean = equity.reduce((sum, value) => sum + value, 0) / equity.length
  return mean > 0 ? traded / mean / (hours / HOURS_PER_YEAR) : { unavailable: 'there was no equity to trade with' }
}

function mustAddUp({ total, byCoin, bySource }: Attribution, change: number): void {
  const net = (splits: Attribution['byCoin']) => Object.values(splits).reduce((sum, split) => sum + split.net, 0)
  const sums = { change, total: total.net, coins: net(byCoin), sources: net(bySource) }
  if (sums.total === change && sums.coins === change && sums.sources === change) return
  throw new MillraceError('fail-closed', `the result does not add up to the change of equity, ${change}`, sums)
}
