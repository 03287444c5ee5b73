import { InputError } from '#data/errors.ts'
import type { ProtectionEvent } from '../ledger/events.ts'
import type { LedgerState } from '../ledger/state.ts'
import { inForce } from './protections.ts'

/** What a person wants; `by` and `reason` stay in the ledger. */
interface Manual {
  /** A coin, or `*`. */
  readonly scope: string
  readonly by: string
  readonly reason: string
}

/**
 * A person's lock, which forbids openings and closes nothing. It is stamped with the time of the ledger's last event: a
 * later one would stand in the way of hours that are still to be told.
 *
 * @param until UTC milliseconds; null: until it is lifted. A lock that is there already is replaced.
 * @throws {InputError} where the ledger is empty, `until` is over, or nobody or nothing is named.
 */
export function lockEvent(state: LedgerState, manual: Manual, until: number | null): ProtectionEvent {
  const time = ledgerTime(state, manual)
  if (until !== null && !(until > time)) {
    throw new InputError(`a lock until ${until} would be over before it begins, at ${time}`, { until, time })
  }
  return {
    kind: 'protection',
    time,
    protection: 'lock',
    scope: manual.scope,
    setBy: manual.by,
    reason: manual.reason,
    until,
  }
}

/**
 * Ends a protection of any kind now; what led to it does not lead to it again.
 *
 * @throws {InputError} naming what is in force, where this is not.
 */
export function liftEvent(state: LedgerState, protection: string, manual: Manual): ProtectionEvent {
  const time = ledgerTime(state, manual)
  const { by, reason, scope } = manual
  const there = inForce(state, time)
  if (!there.some((event) => event.protection === protection && event.scope === scope)) {
    const names = there.map((event) => `${event.protection} ${event.scope}`).join(', ')
    throw new InputError(`no ${protection} of ${scope} is in force; in force: ${names === '' ? 'nothing' : names}`, {
      protection,
      scope,
    })
  }
  return { kind: 'protection', time, protection, scope, setBy: by, reason, until: time }
}

function ledgerTime({ time }: LedgerState, { by, reason, scope }: Manual): number {
  for (const [name, value] of Object.entries({ by, reason, scope })) {
    if (value.trim() === '')
      throw new InputError(`${name} is empty: the ledger keeps who set a protection and why`, { name })
  }
  if (!Number.isFinite(time)) throw new InputError('the ledger is empty: there is nothing to protect', {})
  return time
}
