import { MillraceError } from '#data/errors.ts'
import type { Account, Holding } from '../account/account.ts'
import { MICRO } from '../account/money.ts'
import type { Journal } from '../ledger/journal.ts'
import type { MarginMode } from '../venue/order.ts'
import type { Listing } from '../venue/venue.ts'
import { type TakenPosition, takeOver } from './backstop.ts'
import { feeRates } from './fees.ts'
import { contractIn, crossAccountValue, isolatedMargin, type Marks, maintenanceOf, markNow, valueAt } from './margin.ts'

/** Of the maintenance margin: below, the book is not tried any more and the liquidator vault takes over. */
const BACKSTOP_SHARE = 2 / 3
/** Positions above so many dollars are first sent to the book by a part only. */
const LARGE_POSITION = 100_000
const FIRST_PART = 0.2
/** Rate of who has not traded yet, the highest: a closing at the worst price must leave enough for it. */
const HIGHEST_FEE = feeRates(0, 0).taker
/** Micro-dollars that rounding may cost where an order is filled in a few parts. */
const ROUNDING = 4

/**
 * Sends a market order of a liquidation and records its fill, and gives back what is left of an isolated position that it
 * closed, as `recordFill` does.
 *
 * @param size signed coins, against the position.
 * @param worstPrice the price that leaves nothing of the margin: what the book would take only beyond it is taken by the
 *   venue at it, since no more can be lost than there is.
 */
export type CloseAtMarket = (coin: string, size: number, time: number, worstPrice: number) => void

/** What an account or a position is judged by; micro-dollars. */
interface Standing {
  readonly margin: number
  readonly maintenance: number
}

/** One look at the account: what all its steps share. */
interface Look {
  readonly journal: Journal
  readonly account: Account
  readonly marks: Marks
  readonly time: number
  readonly listings: ReadonlyMap<string, Listing>
  readonly close: CloseAtMarket
  /** A part was sent already: for 30 s all further orders are for whole positions. */
  whole: boolean
}

/**
 * Liquidates by the venue's rules (Hyperliquid document, section 6), on marks that are not recorded: the cross account
 * where its value is below the sum of its maintenance margins, an isolated position where its own margin is.
 *
 * 1. Market orders to the book, one position after the other, the one with the largest maintenance margin first, until
 *    the account is out of danger; what is left over stays. Of a position above 100,000 dollars 20 % go first. The
 *    venue looks again within 30 s, and points of an hour's path are 20 minutes apart: here it looks again at once, at
 *    the same marks, and sends whole positions from then on. The next look begins anew.
 * 2. Below 2/3 of the maintenance margin, at once or after such orders, the vault takes all cross positions, or the
 *    isolated one, with all their margin; see `backstop.ts`, also for margin that is negative.
 *
 * Nothing happens without a mark: a cross account none of whose positions has one is not looked at, and an isolated
 * position without one is not either. Beside others that have one, a position keeps its last mark; no order is sent for
 * it, but the vault takes it with the rest. The cross side is looked at first: what an isolated position leaves over
 * comes too late for it.
 *
 * @param marks mark prices now; `NaN` or absent: not known.
 * @param close must leave the fills recorded, with the cloid `liquidation`, when it returns.
 * @throws {MillraceError} `fail-closed` where a position has no listing, or `close` lost more than the margin.
 * @throws {InputError} where a mark is not a price.
 */
export function checkLiquidations(
  journal: Journal,
  marks: Marks,
  time: number,
  listings: ReadonlyMap<string, Listing>,
  close: CloseAtMarket,
): void {
  const { account } = journal.state
  const look: Look = { journal, account, marks, time, listings, close, whole: false }
  liquidateCross(look)
  for (const [coin, holding] of account.holdings) {
    if (holding.size !== 0 && holding.mode === 'isolated') liquidateIsolated(look, coin, holding)
  }
}

function liquidateCross(look: Look): void {
  const { account, marks, listings } = look
  const sent = new Set<string>()
  for (;;) {
    const standing = crossStanding(look)
    if (standing === undefined || standing.margin >= standing.maintenance) return
    const open: TakenPosition[] = []
    for (const [coin, holding] of account.holdings) {
      if (holding.size === 0 || holding.mode === 'isolated') continue
      const mark = markNow(marks, coin) ?? holding.mark
      open.push({ coin, holding, mark, maintenance: maintenanceOf(coin, holding, mark, listings) })
    }
    open.sort((a, b) => b.maintenance - a.maintenance || (a.coin < b.coin ? -1 : 1))
    if (standing.margin < BACKSTOP_SHARE * standing.maintenance) {
      backstop(look, 'cross', open, standing)
      return
    }
    const next = open.find(({ coin }) => !sent.has(coin) && markNow(marks, coin) !== undefined)
    if (next === undefined) return
    if (sendToBook(look, 'cross', next, standing) === 'whole') sent.add(next.coin)
  }
}

/** @returns undefined where no cross position has a mark now. */
function crossStanding({ account, marks, listings }: Look): Standing | undefined {
  let maintenance = 0
  let known = false
  for (const [coin, holding] of account.holdings) {
    if (holding.size === 0 || holding.mode === 'isolated') continue
    const mark = markNow(marks, coin)
    known ||= mark !== undefined
    maintenance += maintenanceOf(coin, holding, mark ?? holding.mark, listings)
  }
  return known ? { margin: crossAccountValue(account, marks), maintenance } : undefined
}

function liquidateIsolated(look: Look, coin: string, holding: Holding): void {
  const mark = markNow(look.marks, coin)
  if (mark === undefined) return
  for (let sent = false; holding.size !== 0; ) {
    const maintenance = maintenanceOf(coin, holding, mark, look.listings)
    const standing = { margin: isolatedMargin(holding, mark), maintenance }
    if (standing.margin >= maintenance) return
    const position = { coin, holding, mark, maintenance }
    if (standing.margin < BACKSTOP_SHARE * maintenance) backstop(look, 'isolated', [position], standing)
    else if (sent) return
    else sent = sendToBook(look, 'isolated', position, standing) === 'whole'
  }
}

function backstop(look: Look, mode: MarginMode, positions: readonly TakenPosition[], standing: Standing): void {
  announce(look, mode, positions, 'backstop', standing)
  takeOver(look.journal, positions, standing.margin, look.time)
}

/** One market order, announced and checked. @returns how much of the position it was for. */
function sendToBook(look: Look, mode: MarginMode, position: TakenPosition, standing: Standing): 'part' | 'whole' {
  const { account, listings, time, close } = look
  const { coin, holding, mark } = position
  const whole = Math.abs(holding.size)
  const large = !look.whole && whole * mark > LARGE_POSITION
  const coins = large ? Math.min(whole, firstPart(whole, contractIn(listings, coin).sizeDecimals)) : whole
  look.whole ||= coins < whole
  announce(look, mode, [position], 'market', standing)
  const side = Math.sign(holding.size)
  const before = account.cash + valueAt(holding, mark)
  close(coin, -side * coins, time, worstPrice(side, whole, mark, standing.margin))
  const lost = before - (account.cash + valueAt(holding, mark))
  if (lost > standing.margin) {
    throw new MillraceError(
      'fail-closed',
      `${coin}: liquidating lost ${lost / MICRO} dollars where ${standing.margin / MICRO} were left`,
      { coin, time, lost, margin: standing.margin },
    )
  }
  return coins < whole ? 'part' : 'whole'
}

/** A fifth of a position, up to the next lot. */
function firstPart(coins: number, sizeDecimals: number): number {
  const lots = 10 ** sizeDecimals
  return Math.ceil(coins * FIRST_PART * lots - 1e-6) / lots
}

/** Price at which closing a position of `coins` costs all of `margin` (micro-dollars), the highest fee included. */
function worstPrice(side: number, coins: number, mark: number, margin: number): number {
  const price = mark - (side * (margin - ROUNDING)) / MICRO / coins
  return Math.max(0, price / (1 - side * HIGHEST_FEE))
}

function announce(
  { journal, time }: Look,
  mode: MarginMode,
  positions: readonly TakenPosition[],
  method: 'market' | 'backstop',
  { margin, maintenance }: Standing,
): void {
  journal.record({
    kind: 'liquidation',
    time,
    mode,
    coins: positions.map(({ coin }) => coin),
    method,
    accountValue: margin,
    maintenance: Math.ceil(maintenance),
  })
}
