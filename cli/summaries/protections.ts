import type { ProtectionEvent } from '#src/ledger/events.ts'
import { layOut, minute } from '../table.ts'

/** What `protections` answers. */
export interface ProtectionsInForce {
  readonly ledger: string
  /** Of the ledger's last event, UTC milliseconds; null where it has none. */
  readonly time: number | null
  readonly protections: readonly ProtectionEvent[]
}

/** The protections in force, for people. */
export function describeProtections({ ledger, protections, time }: ProtectionsInForce): string {
  if (time === null) return `ledger: ${ledger} (empty)`
  const words = (at: number) => minute(new Date(at).toISOString().replace('T', ' '))
  const rows = protections.map((event) => [
    event.protection,
    event.scope,
    words(event.time),
    event.until === null ? 'it is lifted' : words(event.until),
    event.setBy,
    event.reason,
  ])
  const table =
    rows.length === 0
      ? 'nothing forbids new positions'
      : layOut([['protection', 'coin', 'since', 'until', 'set by', 'reason'], ...rows])
  return `${table}\n\nledger: ${ledger}, at ${words(time)} UTC`
}
