import { holdingOf } from '../account/account.ts'
import type { Story } from '../decision.ts'
import type { IntentEvent, RenewalEvent } from '../ledger/events.ts'
import { manage } from './manage.ts'
import { byWorth, consider, type Opening, open } from './openings.ts'
import { type Round, tell } from './round.ts'

/** What was decided at one hour: the story of every coin, in the order of the listings, and what is to be recorded. */
export interface RoundDecision {
  readonly stories: readonly Story[]
  readonly renewals: readonly RenewalEvent[]
  readonly intents: readonly IntentEvent[]
}

/**
 * Decides upon every coin at one full hour with what is known then: first what is open, then what could be opened, the
 * greatest expected gain first. Depends on its argument only; nothing is recorded or sent here.
 */
export function decideRound(round: Round): RoundDecision {
  const { state, snapshot } = round
  const underway = new Set([...state.openOrders.values()].map(({ intent }) => intent.coin))
  const openings: Opening[] = []
  for (const listing of snapshot.listings.values()) {
    const { coin } = listing.contract
    const plan = state.plans.get(coin)
    if (underway.has(coin)) tell(round, listing, { action: 'wait', direction: plan?.direction ?? 0 })
    else if (holdingOf(state.account, coin).size !== 0) manage(round, listing, plan)
    else consider(round, listing, openings)
  }
  openings.sort(byWorth)
  for (const opening of openings) open(round, opening)
  return { stories: [...round.stories.values()], renewals: round.renewals, intents: round.intents }
}
