import type { ProtectionEvent } from '../ledger/events.ts'
import type { LedgerState } from '../ledger/state.ts'
import type { ProtectionOptions } from '../options/protections.ts'

/** Scope of what holds for the whole portfolio. */
export const PORTFOLIO = '*'
/** Who sets what follows from the record. */
export const ENGINE = 'engine'

/**
 * Finds what the ledger's record calls for at a time, one event for each scope. It neither knows nor cares whether the
 * same is in force already; what led to the newest protection of its kind and scope must not lead to another, or
 * a stop would set itself again for ever.
 */
export type ProtectionRule = (state: LedgerState, asOf: number, options: ProtectionOptions) => ProtectionEvent[]

/** The newest protection of a kind and scope, whether it is still in force or not. */
export function newestProtection(state: LedgerState, protection: string, scope: string): ProtectionEvent | undefined {
  return state.protections.get(`${protection} ${scope}`)
}

/** From its time on until it runs out or is lifted; at `until` it is over. */
export function isInForce({ time, until }: ProtectionEvent, asOf: number): boolean {
  return time <= asOf && (until === null || until > asOf)
}
