import { HOUR } from '#data/bars.ts'
import { equityOf, holdingOf } from '../account/account.ts'
import { toDollars } from '../account/money.ts'
import type { Action, Story } from '../decision.ts'
import type { Contribution, RegimeProbabilities } from '../fusion/fuse.ts'
import type { ExitReason, IntentEvent, Plan, RenewalEvent } from '../ledger/events.ts'
import type { LedgerState } from '../ledger/state.ts'
import type { SizingOptions } from '../options/sizing.ts'
import type { WheelOptions } from '../options.ts'
import { takerRateOf } from '../paper/fees.ts'
import { roundSizeDown } from '../paper/rules.ts'
import { forbids, mustCloseAll } from '../protections/protections.ts'
import { type Direction, isSignal, type Scan } from '../scanners/scanner.ts'
import { type Reason, rejected } from '../validation/reason.ts'
import { type TradingRecord, tradingRecord } from '../validation/record.ts'
import type { Listing } from '../venue/venue.ts'
import { type Entry, evaluateEntry } from './entry.ts'
import { exitReason, trendProbability } from './exit.ts'
import { marketIntent } from './intent.ts'
import { type Held, positionToGiveUp } from './rotation.ts'
import { heldDollars, type Room, roomOf, type SizeLimit, sizeLimit, takeRoom } from './sizing.ts'
import { rowKnownAt, type ScanBook, type Snapshot, seenBar } from './snapshot.ts'

/** What may be done at an hour. */
export interface Phase {
  readonly mayOpen: boolean
  /** Everything is closed: the end of a backtest. */
  readonly closeAll: boolean
  /** Nobody was there at this hour: the venue went on, and nothing was decided. */
  readonly absent?: boolean
}

/** What was decided at one hour: the story of every coin, in the order of the listings, and what is to be recorded. */
export interface RoundDecision {
  readonly stories: readonly Story[]
  readonly renewals: readonly RenewalEvent[]
  readonly intents: readonly IntentEvent[]
}

/** All that the decisions of one hour share. */
interface Round {
  readonly state: LedgerState
  readonly snapshot: Snapshot
  readonly book: ScanBook
  readonly asOf: number
  readonly phase: Phase
  readonly options: WheelOptions
  readonly equityDollars: number
  readonly takerRate: number
  readonly record: TradingRecord
  readonly room: Room
  readonly stories: Map<string, Story>
  readonly renewals: RenewalEvent[]
  readonly intents: IntentEvent[]
  readonly held: Held[]
}

interface Opening {
  readonly listing: Listing
  readonly entry: Entry
  readonly scans: readonly Scan[]
  readonly direction: 1 | -1
}

/**
 * Decides upon every coin at one full hour with what is known then: first what is open, then what could be opened, the
 * greatest expected gain first. Depends on its arguments only; nothing is recorded or sent here.
 */
export function decideRound(
  state: LedgerState,
  snapshot: Snapshot,
  book: ScanBook,
  asOf: number,
  phase: Phase,
  options: WheelOptions,
): RoundDecision {
  const equityDollars = toDollars(equityOf(state.account))
  const round: Round = {
    state,
    snapshot,
    book,
    asOf,
    phase,
    options,
    equityDollars,
    takerRate: takerRateOf(state.history, asOf, options.exchange),
    record: tradingRecord(state.history, asOf, options.validation.record),
    room: roomOf(state.account, equityDollars, options.sizing),
    stories: new Map(),
    renewals: [],
    intents: [],
    held: [],
  }
  const underway = new Set([...state.openOrders.values()].map(({ intent }) => intent.coin))
  const openings: Opening[] = []
  for (const listing of snapshot.listings.values()) {
    const { coin } = listing.contract
    const plan = state.plans.get(coin)
    if (underway.has(coin)) tell(round, listing, { action: 'wait', direction: plan?.direction ?? 0 })
    else if (holdingOf(state.account, coin).size !== 0) manage(round, listing, plan)
    else consider(round, listing, openings)
  }
  openings.sort((a, b) => worth(b) - worth(a) || (a.listing.contract.coin < b.listing.contract.coin ? -1 : 1))
  for (const opening of openings) open(round, opening)
  return { stories: [...round.stories.values()], renewals: round.renewals, intents: round.intents }
}

/** What openings are ranked by: the expected net gain, or the conviction where nobody says what to expect. */
function worth({ entry }: Opening): number {
  return entry.edge?.net ?? entry.conviction * 1e-6
}

function tell(round: Round, listing: Listing, story: Partial<Story> & { action: Action; direction: Direction }): void {
  const { asOf } = round
  const { coin } = listing.contract
  const regime = round.snapshot.estimate(coin, asOf) ?? null
  const common = { conviction: 0, scans: [], contributions: [], reasons: [], bar: seenBar(listing.bars, asOf), regime }
  round.stories.set(coin, { asOf, coin, ...common, ...story })
}

/** What regimes say, or that they are not to be asked. */
function estimateOf({ snapshot, options, asOf }: Round, coin: string): RegimeProbabilities | 'ignored' | undefined {
  return options.useRegimes ? snapshot.estimate(coin, asOf) : 'ignored'
}

function freshEntry(round: Round, listing: Listing): { readonly entry: Entry; readonly scans: readonly Scan[] } {
  const { asOf, options, snapshot, state, equityDollars, room } = round
  const { bars, contract } = listing
  const scans = round.book.scans(bars, asOf, snapshot.market)
  const entry = evaluateEntry(
    {
      bars,
      asOf,
      scans,
      estimate: estimateOf(round, contract.coin),
      weights: options.fusion.learning.enabled ? state.weights : undefined,
      record: round.record,
      // The cost is that of the size that risk allows: what caps leave would only make it cheaper.
      dollars: (direction, volatility) =>
        sizeLimit(
          equityDollars,
          volatility,
          direction,
          { ...room, gross: Infinity, long: Infinity, short: Infinity },
          options.sizing,
        ).dollars,
      takerRate: round.takerRate,
    },
    options,
  )
  return { entry, scans }
}

/** Keeps, renews or closes an open position. */
function manage(round: Round, listing: Listing, plan: Plan | undefined): void {
  const { asOf, options, phase, state, snapshot, book } = round
  const { coin } = listing.contract
  const direction = holdingOf(state.account, coin).size > 0 ? 1 : -1
  // A position that nobody planned (left over from a crash of the venue's side) has nothing to wait for.
  const known: Plan = plan ?? { direction, holdUntil: asOf, trendProbability: 0, edge: 0, sources: {} }
  const estimate = options.useRegimes ? snapshot.estimate(coin, asOf) : undefined
  const all = book.scans(listing.bars, asOf, snapshot.market, direction)
  const own = all.filter(({ source }) => (known.sources[source] ?? 0) > 0)
  const forced: ExitReason | undefined = phase.closeAll
    ? 'end of period'
    : mustCloseAll(state, asOf)
      ? 'protection'
      : undefined
  const reason = forced ?? exitReason(known, asOf, own, estimate, options.exitTrendProbability)
  if (reason === 'horizon' && phase.mayOpen) {
    // Closing what would be opened again at once would pay a round trip for nothing.
    const { entry, scans } = freshEntry(round, listing)
    if (entry.candidate && entry.reasons.length === 0 && entry.fusion.direction === direction) {
      const holdUntil = asOf + entry.fusion.horizonHours * HOUR
      round.renewals.push({ kind: 'renewal', time: asOf, coin, holdUntil })
      tell(round, listing, { action: 'renew', direction, scans, ...storyOf(entry) })
      return
    }
  }
  if (reason === undefined) {
    round.held.push({
      coin,
      direction,
      dollars: heldDollars(state.account, coin),
      expected: expectedOf(own, direction),
    })
    tell(round, listing, { action: 'hold', direction, scans: all })
  } else close(round, listing, reason, { scans: all, direction })
}

/** What the scanners still expect of a held side, mean of those that say; 0 where none does. */
function expectedOf(scans: readonly Scan[], direction: 1 | -1): number {
  const told = scans
    .filter(isSignal)
    .filter((signal) => signal.direction === direction && signal.expected !== undefined)
  if (told.length === 0) return 0
  return told.reduce((sum, { expected }) => sum + expected!.funding + expected!.reversion, 0) / told.length
}

function close(round: Round, listing: Listing, exit: ExitReason, story: { scans: readonly Scan[]; direction: 1 | -1 }) {
  const { asOf, options, state } = round
  const { coin } = listing.contract
  const { size, mark } = holdingOf(state.account, coin)
  const row = rowKnownAt(listing.bars, asOf)
  const price = row < 0 ? mark : listing.bars.close[row]
  const intent = marketIntent(listing, asOf, -size, price, { closes: exit }, options)
  round.intents.push(intent)
  tell(round, listing, {
    action: 'close',
    ...story,
    exit,
    cloid: intent.order.cloid,
    size: { coins: -size, dollars: Math.abs(size * price), boundBy: 'position' },
  })
}

/** Looks at a coin without a position: what speaks against an opening is told, and what nothing speaks against waits. */
function consider(round: Round, listing: Listing, openings: Opening[]): void {
  const { entry, scans } = freshEntry(round, listing)
  const { direction } = entry.fusion
  const against = [...entry.reasons]
  if (entry.candidate) {
    against.push(...forbids(round.state, listing.contract.coin, round.asOf))
    if (!round.phase.mayOpen) against.push(rejected('period', 'the period ends: nothing is opened any more'))
  }
  if (direction !== 0 && against.length === 0) openings.push({ listing, entry, scans, direction })
  else turnDown(round, listing, { entry, scans, direction }, against)
}

function turnDown(
  round: Round,
  listing: Listing,
  { entry, scans, direction }: Pick<Opening, 'entry' | 'scans'> & { readonly direction: Direction },
  reasons: readonly Reason[],
  remarks: readonly string[] = [],
): void {
  const action = entry.candidate ? 'reject' : 'none'
  const story = storyOf(entry)
  tell(round, listing, { action, direction, scans, ...story, reasons, remarks: [...(story.remarks ?? []), ...remarks] })
}

/** What an entry adds to its story. */
function storyOf(entry: Entry): Pick<Story, 'conviction' | 'contributions' | 'remarks'> & Partial<Story> {
  const { fusion, conviction, edge, signFlip, remarks } = entry
  const contributions: readonly Contribution[] = fusion.contributions
  return {
    conviction,
    contributions,
    remarks,
    ...(fusion.direction === 0 ? {} : { horizonHours: fusion.horizonHours }),
    ...(edge === undefined ? {} : { edge }),
    ...(signFlip === undefined ? {} : { signFlip }),
  }
}

/** Sizes an opening under the caps, gives up a position for it where that pays, and orders it. */
function open(round: Round, opening: Opening): void {
  const { listing, entry, scans, direction } = opening
  const { asOf, options, room, equityDollars } = round
  const { bars, contract } = listing
  const { sizing } = options
  const limit = sizeLimit(equityDollars, entry.dailyVolatility, direction, room, sizing)
  const full = capReasons(room, limit, sizing)
  if (full.length > 0) {
    const givenUp = rotate(round, opening)
    const remark = givenUp === undefined ? [] : [`${givenUp} is given up for it: there is room at the next hour`]
    turnDown(round, listing, opening, full, remark)
    return
  }
  const price = bars.close[rowKnownAt(bars, asOf)]
  const coins = direction * roundSizeDown(limit.dollars / price, contract.sizeDecimals)
  const dollars = Math.abs(coins * price)
  if (dollars < Math.max(sizing.minPositionDollars, LEAST_ORDER_DOLLARS)) {
    const words = `${dollars.toFixed(2)} dollars, bound by the ${limit.boundBy}, are fewer than the least position`
    turnDown(round, listing, opening, [rejected('size', words)])
    return
  }
  takeRoom(room, direction, dollars)
  const estimate = estimateOf(round, contract.coin)
  const plan: Plan = {
    direction,
    holdUntil: asOf + entry.fusion.horizonHours * HOUR,
    trendProbability: trendProbability(estimate === 'ignored' ? undefined : estimate),
    edge: entry.edge?.net ?? 0,
    sources: sharesOf(entry, direction),
  }
  const intent = marketIntent(listing, asOf, coins, price, { opens: plan }, options)
  round.intents.push(intent)
  const size = { coins, dollars, boundBy: limit.boundBy }
  tell(round, listing, { action: 'open', direction, scans, ...storyOf(entry), size, cloid: intent.order.cloid })
}

/** Which caps leave no room for a position worth having. */
function capReasons(room: Room, limit: SizeLimit, { maxPositions, minPositionDollars }: SizingOptions): Reason[] {
  const reasons: Reason[] = []
  if (room.positions <= 0) reasons.push(rejected('positions', `${maxPositions} positions are open`))
  if (limit.dollars < minPositionDollars && limit.boundBy !== 'risk') {
    const words = `${limit.dollars.toFixed(2)} dollars are left under the ${limit.boundBy}`
    reasons.push(rejected(limit.boundBy.replace(' ', '-'), words))
  }
  return reasons
}

/** Closes the position that is worth least, if the opening is worth enough more. @returns its coin. */
function rotate(round: Round, { entry }: Opening): string | undefined {
  const gone = positionToGiveUp(round.held, entry.edge?.net ?? Number.NEGATIVE_INFINITY, round.options.rotation)
  if (gone === undefined) return undefined
  round.held.splice(round.held.indexOf(gone), 1)
  const { scans } = round.stories.get(gone.coin)!
  close(round, round.snapshot.listings.get(gone.coin)!, 'rotation', { scans, direction: gone.direction })
  return gone.coin
}

/** Least value of an opening order on the venue (Hyperliquid document, section 7). */
const LEAST_ORDER_DOLLARS = 10

/** Share of each source in the direction taken, adds up to 1. */
function sharesOf({ fusion }: Entry, direction: 1 | -1): Record<string, number> {
  const pulls = fusion.contributions.filter(({ value }) => direction * value > 0)
  const sum = pulls.reduce((total, { value }) => total + direction * value, 0)
  return Object.fromEntries(pulls.map(({ source, value }) => [source, (direction * value) / sum]))
}
