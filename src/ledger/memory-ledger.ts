import { mustTellOfRound } from './chain.ts'
import type { LedgerEvent } from './events.ts'
import type { LedgerStore, RoundStories } from './journal.ts'

/**
 * A ledger in memory, for searches, variants and tests: gone with the process. Events are kept by reference; nobody
 * changes an event after it was recorded (their fields are read-only).
 */
export function createMemoryLedger(): LedgerStore {
  const kept: LedgerEvent[] = []
  const rounds = new Map<number, RoundStories>()
  return {
    append(events, stories) {
      if (stories !== undefined) mustTellOfRound(events, stories)
      for (const event of events) kept.push(event)
      if (stories !== undefined) rounds.set(stories.asOf, stories)
    },
    events: () => kept.values(),
    stories: (asOf) => rounds.get(asOf),
    close() {},
  }
}
