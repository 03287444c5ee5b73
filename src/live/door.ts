import { MillraceError } from '#data/errors.ts'
import type { LedgerState } from '../ledger/state.ts'
import type { Venue } from '../venue/venue.ts'

/** A way to an exchange that takes money. It is no venue: only {@link openLiveVenue} makes one of it. */
export type LiveConnection = Omit<Venue, 'kind'>

/** States of graduation in which money may be traded. */
const OPEN: readonly LedgerState['graduation'][] = ['approved', 'live']

/**
 * The one door to money: nothing else gives a venue of kind `live`.
 *
 * Opens only where the ledger says that a person has approved it, and connects only then. Every order is held against
 * the ledger again before it goes out: a demotion in the meantime closes the door to all but reduce-only orders, since
 * what was opened with money must still be let go of. Cancelling and asking what happened stay possible too.
 *
 * @param state of the ledger that the venue's journal writes; asked again at every order
 * @param connect makes the connection; not called while the door is closed
 * @throws {MillraceError} `fail-closed` unless graduation is approved or live; and so does every `submit`
 */
export function openLiveVenue(state: Pick<LedgerState, 'graduation'>, connect: () => LiveConnection): Venue {
  if (!OPEN.includes(state.graduation)) throw closed(state)
  const connection = connect()
  return {
    kind: 'live',
    advance: (journal, time, listings, signal) => connection.advance(journal, time, listings, signal),
    cancel: (journal, cloid, time) => connection.cancel(journal, cloid, time),
    async submit(journal, order, time, listing) {
      // The door's own ledger and the one that is written must agree: an order for another ledger passes by neither.
      const open = OPEN.includes(state.graduation) && OPEN.includes(journal.state.graduation)
      if (!open && !order.reduceOnly) throw closed(OPEN.includes(state.graduation) ? journal.state : state)
      await connection.submit(journal, order, time, listing)
    },
  }
}

function closed({ graduation }: Pick<LedgerState, 'graduation'>): MillraceError {
  return new MillraceError(
    'fail-closed',
    `no order goes out with money: graduation is ${graduation}, a person must have approved it ` +
      '(`millrace graduation status` shows what is missing)',
    { graduation },
  )
}
