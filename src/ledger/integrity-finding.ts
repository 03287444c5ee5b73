import type { LedgerEvent } from './events.ts'

/**
 * What can be wrong. `file`: SQLite itself; `chain`: an event is not what was written; `order`: time or sequence;
 * `reducer`: the event contradicts those before it; `money`: amounts that do not follow from sizes and prices, or do not
 * add up; `views`: SQL and the reducer disagree; the others by what they look at.
 */
export type IntegrityCheck =
  | 'file'
  | 'chain'
  | 'order'
  | 'reducer'
  | 'money'
  | 'orders'
  | 'fills'
  | 'funding'
  | 'rates'
  | 'marks'
  | 'hours'
  | 'rounds'
  | 'stories'
  | 'settings'
  | 'views'

/** The first thing that is wrong with a ledger. */
export interface IntegrityFinding {
  readonly check: IntegrityCheck
  /** Number of the event, from 1; null where the ledger as a whole is meant. */
  readonly number: number | null
  /** Null also where the event is missing or cannot be read. */
  readonly kind: LedgerEvent['kind'] | null
  /** UTC milliseconds. */
  readonly time: number | null
  readonly message: string
}

/** What a rule says of an event that it does not accept. */
export interface Objection {
  readonly check: IntegrityCheck
  readonly message: string
}

export function objection(check: IntegrityCheck, message: string): Objection {
  return { check, message }
}
