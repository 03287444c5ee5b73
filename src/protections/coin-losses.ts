import { HOUR } from '#data/bars.ts'
import { toDollars } from '../account/money.ts'
import { ENGINE, newestProtection, type ProtectionRule } from './protection.ts'

/**
 * `coinLosses` losing trades of one coin within `coinLossDays` lock it for `coinLockHours`. Trades closed up to its last
 * lock of this kind, or its lifting, are not counted again.
 */
export const coinLossesRule: ProtectionRule = (state, asOf, { coinLockHours, coinLossDays, coinLosses }) => {
  if (coinLosses === 0 || coinLockHours === 0) return []
  const start = asOf - coinLossDays * 24 * HOUR
  const { trades } = state.history
  const found = new Map<string, { losses: number; lost: number }>()
  for (let i = trades.length - 1; i >= 0 && trades[i].closedAt > start; i--) {
    const { closedAt, coin, net } = trades[i]
    if (closedAt > asOf || net >= 0) continue
    const since = newestProtection(state, 'coin-losses', coin)?.time ?? Number.NEGATIVE_INFINITY
    if (closedAt <= since) continue
    const entry = found.get(coin) ?? { losses: 0, lost: 0 }
    entry.losses++
    entry.lost -= net
    found.set(coin, entry)
  }
  const locked = [...found].filter(([, { losses }]) => losses >= coinLosses)
  return locked.map(([coin, { losses, lost }]) => ({
    kind: 'protection',
    time: asOf,
    protection: 'coin-losses',
    scope: coin,
    setBy: ENGINE,
    reason: `${losses} trades within ${coinLossDays} days lost ${toDollars(lost).toFixed(2)} dollars`,
    until: asOf + coinLockHours * HOUR,
  }))
}
