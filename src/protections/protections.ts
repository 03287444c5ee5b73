import type { ProtectionEvent } from '../ledger/events.ts'
import type { LedgerState } from '../ledger/state.ts'
import type { ProtectionOptions } from '../options/protections.ts'
import { type Reason, rejected } from '../validation/reason.ts'
import { coinLossesRule } from './coin-losses.ts'
import { cooldownRule } from './cooldown.ts'
import { drawdownRule } from './drawdown.ts'
import { losingStreakRule } from './losing-streak.ts'
import { isInForce, newestProtection, PORTFOLIO, type ProtectionRule } from './protection.ts'

export { mustCloseAll } from './drawdown.ts'

const RULES: readonly ProtectionRule[] = [drawdownRule, losingStreakRule, coinLossesRule, cooldownRule]

/**
 * What is to be recorded at `asOf` because of what the ledger tells: depends on the state alone, so that a restart finds
 * the same. Nothing is due twice: not while the same kind is in force for the same scope, and not again for the trades
 * and hours that led to it once.
 *
 * @param state with everything up to `asOf`; trades and hours after it are not looked at.
 * @returns in the order of the rules, coins by name.
 */
export function protectionsDue(state: LedgerState, asOf: number, options: ProtectionOptions): ProtectionEvent[] {
  return RULES.flatMap((rule) =>
    rule(state, asOf, options)
      .filter(({ protection, scope }) => {
        const newest = newestProtection(state, protection, scope)
        return newest === undefined || !isInForce(newest, asOf)
      })
      .sort((a, b) => (a.scope < b.scope ? -1 : 1)),
  )
}

/** What forbids openings at `asOf`, in the order in which each kind and scope was first set. */
export function inForce(state: LedgerState, asOf: number): ProtectionEvent[] {
  return [...state.protections.values()].filter((event) => isInForce(event, asOf))
}

/** Everything that forbids a position in `coin`: gate, who set it, why, and until when. */
export function forbids(state: LedgerState, coin: string, asOf: number): Reason[] {
  const reasons: Reason[] = []
  for (const event of state.protections.values()) {
    if (event.scope !== PORTFOLIO && event.scope !== coin) continue
    if (isInForce(event, asOf)) reasons.push(rejected(event.protection, describeProtection(event)))
  }
  return reasons
}

/** One sentence, without the kind: `all coins, set by engine until 2025-01-03 04:00: the last 5 trades lost ...`. */
export function describeProtection({ reason, scope, setBy, until }: ProtectionEvent): string {
  const end = until === null ? 'until it is lifted' : `until ${minuteOf(until)}`
  return `${scope === PORTFOLIO ? 'all coins' : scope}, set by ${setBy} ${end}: ${reason}`
}

/** UTC, to the minute. */
function minuteOf(time: number): string {
  return new Date(time).toISOString().slice(0, 16).replace('T', ' ')
}
