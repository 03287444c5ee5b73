import { HOUR } from '#data/bars.ts'
import type { ProtectionEvent } from '../ledger/events.ts'
import { ENGINE, newestProtection, type ProtectionRule } from './protection.ts'

/** A coin rests for `cooldownHours` from the close of its position: what was just given up is not taken back at once. */
export const cooldownRule: ProtectionRule = (state, asOf, { cooldownHours }) => {
  const due = new Map<string, ProtectionEvent>()
  const { trades } = state.history
  for (let i = trades.length - 1; i >= 0 && trades[i].closedAt > asOf - cooldownHours * HOUR; i--) {
    const { closedAt, coin, reason } = trades[i]
    if (closedAt > asOf || due.has(coin)) continue
    const before = newestProtection(state, 'cooldown', coin)
    if (before !== undefined && closedAt <= before.time) continue
    due.set(coin, {
      kind: 'protection',
      time: asOf,
      protection: 'cooldown',
      scope: coin,
      setBy: ENGINE,
      reason: `its position was closed (${reason})`,
      until: closedAt + cooldownHours * HOUR,
    })
  }
  return [...due.values()]
}
