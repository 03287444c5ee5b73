import type { LedgerEvent } from './events.ts'
import { applyEvent, createLedgerState, type LedgerState } from './state.ts'

/** What one coin's decision was at one full hour, whole: see `src/decision.ts`. Kept beside the events. */
export interface RoundStories {
  readonly asOf: number
  /** Canonical JSON; its SHA-256 is in the round's event. */
  readonly json: string
}

/**
 * Where events are kept: in memory for searches, in SQLite for everything that is to be asked later. Every driver
 * passes `test/src/ledger/conformance.ts`.
 */
export interface LedgerStore {
  /**
   * Appends all of them or none, and returns when they would survive a crash.
   *
   * @throws {InputError} where stories come without the event of their round.
   */
  append(events: readonly LedgerEvent[], stories?: RoundStories): void
  /** All events, oldest first. */
  events(): Iterable<LedgerEvent>
  /** The stories of a round; undefined where there was none. */
  stories(asOf: number): RoundStories | undefined
  close(): void
}

/** The one way to change anything: an event is recorded, takes effect on the state, and is durable at the next commit. */
export interface Journal {
  readonly state: LedgerState
  /** @throws {InputError} where the event contradicts the state; nothing is changed then. */
  record(event: LedgerEvent): void
  /**
   * Makes all that was recorded since the last commit durable, in one step.
   *
   * @throws where the store cannot: the process must not go on then, since the state is ahead of the ledger.
   */
  commit(stories?: RoundStories): void
}

/** Opens a journal on what a store holds: the state is the events applied one after the other. */
export function openJournal(store: LedgerStore): Journal {
  const state = createLedgerState()
  for (const event of store.events()) applyEvent(state, event)
  let waiting: LedgerEvent[] = []
  return {
    state,
    record(event) {
      applyEvent(state, event)
      waiting.push(event)
    },
    commit(stories) {
      if (waiting.length > 0 || stories !== undefined) store.append(waiting, stories)
      waiting = []
    },
  }
}
