import { HOUR } from '#data/bars.ts'
import { holdingOf } from '../account/account.ts'
import type { ExitReason, Plan } from '../ledger/events.ts'
import { mustCloseAll } from '../protections/protections.ts'
import { isSignal, type Scan } from '../scanners/scanner.ts'
import type { Listing } from '../venue/venue.ts'
import { exitReason } from './exit.ts'
import { marketIntent } from './intent.ts'
import { freshEntry, type Round, storyOf, tell } from './round.ts'
import { rowKnownAt } from './snapshot.ts'

/** Keeps, renews or closes an open position. */
export function manage(round: Round, listing: Listing, plan: Plan | undefined): void {
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

/** Orders the whole position of a coin to be closed. */
export function close(
  round: Round,
  listing: Listing,
  exit: ExitReason,
  story: { scans: readonly Scan[]; direction: 1 | -1 },
) {
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
