import { HOUR } from '#data/bars.ts'
import type { Plan } from '../ledger/events.ts'
import type { SizingOptions } from '../options/sizing.ts'
import { roundSizeDown } from '../paper/rules.ts'
import { forbids } from '../protections/protections.ts'
import type { Direction, Scan } from '../scanners/scanner.ts'
import { type Reason, rejected } from '../validation/reason.ts'
import type { Listing } from '../venue/venue.ts'
import type { Entry } from './entry.ts'
import { trendProbability } from './exit.ts'
import { marketIntent } from './intent.ts'
import { close } from './manage.ts'
import { positionToGiveUp } from './rotation.ts'
import { estimateOf, freshEntry, type Round, storyOf, tell } from './round.ts'
import { type Room, type SizeLimit, sizeLimit, takeRoom } from './sizing.ts'
import { rowKnownAt } from './snapshot.ts'

/** A coin that nothing speaks against but, perhaps, the caps. */
export interface Opening {
  readonly listing: Listing
  readonly entry: Entry
  readonly scans: readonly Scan[]
  readonly direction: 1 | -1
}

/** Looks at a coin without a position: what speaks against an opening is told, and what nothing speaks against waits. */
export function consider(round: Round, listing: Listing, openings: Opening[]): void {
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

/** The greatest expected net gain first; where nobody says what to expect, the greatest conviction. */
export function byWorth(a: Opening, b: Opening): number {
  const gain = ({ entry }: Opening) => entry.edge?.net ?? Number.NEGATIVE_INFINITY
  if (gain(a) !== gain(b)) return gain(a) > gain(b) ? -1 : 1
  return b.entry.conviction - a.entry.conviction || (a.listing.contract.coin < b.listing.contract.coin ? -1 : 1)
}

/** Sizes an opening under the caps, gives up a position for it where that pays, and orders it. */
export function open(round: Round, opening: Opening): void {
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
