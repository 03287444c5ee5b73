import type { HourEvent } from '../ledger/events.ts'
import type { Figure } from './figure.ts'

/** How much was at work, over told hours; multiples of equity. */
export interface Exposure {
  readonly meanGross: Figure
  /** Positive: long on the whole. */
  readonly meanNet: Figure
  readonly highestGross: Figure
  /** Share of hours that ended with an open position. */
  readonly inMarket: Figure
}

/** Leverage and occupancy of told hours; hours without equity have no leverage and are left out of the means. */
export function exposureOfHours(hours: readonly Pick<HourEvent, 'equity' | 'gross' | 'net'>[]): Exposure {
  let known = 0
  let gross = 0
  let net = 0
  let highest = 0
  let busy = 0
  for (const hour of hours) {
    if (hour.gross > 0) busy++
    if (!(hour.equity > 0)) continue
    known++
    gross += hour.gross / hour.equity
    net += hour.net / hour.equity
    highest = Math.max(highest, hour.gross / hour.equity)
  }
  if (hours.length === 0) {
    const none = { unavailable: 'no hour was told' }
    return { meanGross: none, meanNet: none, highestGross: none, inMarket: none }
  }
  const over = (value: number): Figure => (known > 0 ? value : { unavailable: 'there was no equity in any hour' })
  return {
    meanGross: over(gross / known),
    meanNet: over(net / known),
    highestGross: over(highest),
    inMarket: busy / hours.length,
  }
}
