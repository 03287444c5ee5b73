import { HOUR } from '#data/bars.ts'
import { toDollars } from '../account/money.ts'
import { ENGINE, newestProtection, PORTFOLIO, type ProtectionRule } from './protection.ts'

/**
 * `losingStreak` trades closed one after the other at a loss stop all openings for `losingStreakHours`. Trades closed
 * up to the last such stop, or its lifting, are not counted again.
 */
export const losingStreakRule: ProtectionRule = (state, asOf, { losingStreak, losingStreakHours }) => {
  if (losingStreak === 0 || losingStreakHours === 0) return []
  const since = newestProtection(state, 'losing-streak', PORTFOLIO)?.time ?? Number.NEGATIVE_INFINITY
  const { trades } = state.history
  let losses = 0
  let lost = 0
  for (let i = trades.length - 1; i >= 0 && losses < losingStreak && trades[i].closedAt > since; i--) {
    if (trades[i].closedAt > asOf) continue
    if (trades[i].net >= 0) return []
    losses++
    lost -= trades[i].net
  }
  if (losses < losingStreak) return []
  return [
    {
      kind: 'protection',
      time: asOf,
      protection: 'losing-streak',
      scope: PORTFOLIO,
      setBy: ENGINE,
      reason: `the last ${losses} trades lost ${toDollars(lost).toFixed(2)} dollars`,
      until: asOf + losingStreakHours * HOUR,
    },
  ]
}
