import { barsKnownAt, floorToHour, HOUR } from '#data/bars.ts'
import { MillraceError, UnavailableError } from '#data/errors.ts'
import { afterFill, holdingOf, roundSize } from '../account/account.ts'
import { toMicro } from '../account/money.ts'
import type { Journal } from '../ledger/journal.ts'
import type { LedgerState } from '../ledger/state.ts'
import type { Listing } from '../venue/venue.ts'
import type { AccountReader, VenueFill, VenueFunding, VenuePosition } from './account-reading.ts'

/** A fill between two questions makes their answers disagree; one that lasts is none of that. */
const READINGS = 3

/** What the venue has told, checked against the ledger and not recorded yet. */
interface Telling {
  /** Fills of the hour, and those after it, which the next hour records. */
  readonly fills: readonly VenueFill[]
  readonly later: readonly VenueFill[]
  readonly funding: readonly VenueFunding[]
  readonly positions: ReadonlyMap<string, VenuePosition>
}

/**
 * Lets the venue tell the hour that ends at `time`: fills, funding, orders that ended, collateral of isolated positions,
 * and a mark for what is open.
 *
 * Everything is read and checked before anything is recorded, and nothing is taken on trust: positions that follow from
 * the ledger must be those of the venue, a fill must belong to an order of the ledger, and funding must have been
 * settled on the position that the ledger has.
 *
 * @throws {MillraceError} `fail-closed` where the venue and the ledger do not agree, or the venue has liquidated: a
 *   person must look
 * @throws {UnavailableError} where the venue does not serve, or has not settled the hour yet
 */
export async function tellHour(
  reader: AccountReader,
  account: string,
  journal: Journal,
  time: number,
  listings: ReadonlyMap<string, Listing>,
  signal?: AbortSignal,
): Promise<void> {
  const { state } = journal
  const told = await readHour(reader, account, state, time, signal)
  const ended = await endedOrders(reader, state, told, signal)
  for (const fill of told.fills) recordFill(journal, fill)
  for (const row of told.funding) recordFunding(journal, row, time)
  for (const [cloid, fate] of ended) {
    const order = state.openOrders.get(cloid)
    if (order === undefined) continue
    const { coin } = order.intent
    journal.record({ kind: 'order', time, coin, cloid, status: 'cancelled', remaining: order.remaining, message: fate })
  }
  const moving = new Set(told.later.map(({ coin }) => coin))
  for (const [coin, holding] of state.account.holdings) {
    const leverage = told.positions.get(coin)?.leverage
    const rawUsd = leverage?.type === 'isolated' ? toMicro(leverage.rawUsd) : 0
    const amount = rawUsd - holding.rawUsd
    if (holding.mode !== 'isolated' || moving.has(coin) || amount === 0) continue
    journal.record({ kind: 'transfer', time, coin, amount })
  }
  for (const [coin, { size }] of state.account.holdings) {
    if (size !== 0) recordMark(journal, coin, time, listings.get(coin))
  }
}

async function readHour(
  reader: AccountReader,
  account: string,
  state: LedgerState,
  time: number,
  signal?: AbortSignal,
): Promise<Telling> {
  const since = state.advancedTo ?? time - HOUR
  for (let reading = 1; ; reading++) {
    const all = await reader.fills(since + 1, signal)
    const positions = new Map((await reader.positions(signal)).map((position) => [position.coin, position]))
    for (const fill of all) checkFill(fill, account, state)
    const fills = all.filter((fill) => fill.time <= time)
    const later = all.filter((fill) => fill.time > time)
    const sizes = sizesAfter(state, fills)
    const difference = differenceOf(sizesAfter(state, all), positions)
    if (difference === undefined) {
      const rows = await reader.funding(since + HOUR, time + HOUR - 1, signal)
      return { fills, later, funding: settledOf(rows, sizes, since, time), positions }
    }
    if (reading === READINGS) {
      throw new MillraceError('fail-closed', `venue and ledger do not agree: ${difference}`, { time })
    }
  }
}

function checkFill(fill: VenueFill, account: string, state: LedgerState): void {
  const at = new Date(fill.time).toISOString()
  const fail = (words: string) => {
    throw new MillraceError('fail-closed', `fill of ${fill.size} ${fill.coin} at ${at}: ${words}`, { ...fill })
  }
  if (fill.liquidation?.liquidatedUser === account.toLowerCase()) fail('the venue has liquidated: a person must look')
  // Fills of one order that ended since are none of the ledger's open orders any more, but cannot come after its end.
  if (fill.cloid == null || !state.openOrders.has(fill.cloid)) fail('it belongs to no open order of the ledger')
  if (fill.feeToken !== 'USDC') fail(`its fee is in ${fill.feeToken}, the ledger counts dollars`)
}

/** Signed coins by coin that the ledger holds after `fills`. */
function sizesAfter(state: LedgerState, fills: readonly VenueFill[]): Map<string, number> {
  const sizes = new Map([...state.account.holdings].map(([coin, { size }]) => [coin, size]))
  for (const { coin, size } of fills) sizes.set(coin, roundSize((sizes.get(coin) ?? 0) + size))
  return sizes
}

function differenceOf(
  sizes: ReadonlyMap<string, number>,
  positions: ReadonlyMap<string, VenuePosition>,
): string | undefined {
  for (const coin of new Set([...sizes.keys(), ...positions.keys()])) {
    const ledger = sizes.get(coin) ?? 0
    const venue = positions.get(coin)?.szi ?? 0
    if (Math.abs(ledger - venue) > 1e-9) return `${coin} is ${venue} at the venue and ${ledger} in the ledger`
  }
  return undefined
}

/** The settlement of every position at `time`, each coin once: rows are stamped a little late, and some come twice. */
function settledOf(
  rows: readonly VenueFunding[],
  sizes: ReadonlyMap<string, number>,
  since: number,
  time: number,
): VenueFunding[] {
  const settled = new Map<string, VenueFunding>()
  for (const row of rows) {
    const hour = floorToHour(row.time)
    if (hour > since && hour <= time) settled.set(row.coin, row)
  }
  for (const [coin, size] of sizes) {
    const row = settled.get(coin)
    if (size !== 0 && row === undefined) {
      const words = `${coin}: funding of ${new Date(time).toISOString()} is not settled yet`
      throw new UnavailableError(words, { coin, time })
    }
    if (row !== undefined && Math.abs(row.szi - size) > 1e-9) {
      const words = `funding of ${coin} was settled on ${row.szi}, the ledger holds ${size}`
      throw new MillraceError('fail-closed', words, { coin, time })
    }
  }
  return [...settled.values()]
}

/** Open orders that the venue has ended otherwise than by filling them whole, with its word for it. */
async function endedOrders(
  reader: AccountReader,
  state: LedgerState,
  { fills, later }: Telling,
  signal?: AbortSignal,
): Promise<Map<string, string>> {
  const ended = new Map<string, string>()
  for (const [cloid, { status, remaining }] of state.openOrders) {
    const filled = fills.reduce((sum, fill) => (fill.cloid === cloid ? sum + fill.size : sum), 0)
    // An order that goes on being filled after the hour is told of with the next one.
    const over = roundSize(remaining - filled) === 0 || later.some((fill) => fill.cloid === cloid)
    if (status !== 'open' || over) continue
    const fate = await reader.fate(cloid, signal)
    if (fate === undefined) {
      throw new MillraceError('fail-closed', `the venue does not know order ${cloid}, which it had accepted`, { cloid })
    }
    if (fate !== 'open' && fate !== 'triggered') ended.set(cloid, fate)
  }
  return ended
}

function recordFill(journal: Journal, fill: VenueFill): void {
  const { time, coin, size, px: price, crossed } = fill
  const cloid = fill.cloid!
  const { referencePrice } = journal.state.openOrders.get(cloid)!.intent
  const notional = toMicro(size * price)
  journal.record({
    kind: 'fill',
    // A clock of the venue that runs behind must not turn the ledger back.
    time: Math.max(time, journal.state.time),
    coin,
    cloid,
    size,
    price,
    notional,
    fee: toMicro(fill.fee),
    liquidity: crossed ? 'taker' : 'maker',
    slippage: toMicro(size * (price - referencePrice)),
    closedPnl: afterFill(holdingOf(journal.state.account, coin), size, notional).realised,
  })
}

function recordFunding(journal: Journal, row: VenueFunding, time: number): void {
  const { coin, szi: size, usdc, fundingRate: rate } = row
  // The venue tells what it paid, not the oracle's price: that follows, but for a rate of 0.
  const price = rate === 0 ? holdingOf(journal.state.account, coin).mark : -usdc / (size * rate)
  journal.record({ kind: 'funding', time, coin, size, price, rate, amount: toMicro(usdc) })
}

/** Marks at the close of the hour, or keeps the last price where the hour has none. */
function recordMark(journal: Journal, coin: string, time: number, listing: Listing | undefined): void {
  const known = listing === undefined ? undefined : barsKnownAt(listing.bars, time)
  const last = known === undefined ? -1 : known.openTime.length - 1
  const fresh = known !== undefined && last >= 0 && known.openTime[last] === time - HOUR
  const price = fresh ? known.close[last] : holdingOf(journal.state.account, coin).mark
  journal.record({ kind: 'mark', time, coin, price, stale: !fresh })
}
