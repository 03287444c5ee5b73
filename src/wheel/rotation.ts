import type { RotationOptions } from '../options/sizing.ts'

/** An open position that could be given up, by what it is still expected to bring. */
export interface Held {
  readonly coin: string
  readonly direction: 1 | -1
  /** Expected funding and reversion to the end of its plan, fraction of notional, without the cost of closing. */
  readonly expected: number
}

/**
 * The position to give up for an opening, if the turn pays: the new position's net edge must exceed what the old one is
 * still expected to bring by `minGain`. The cost of closing the old one is paid sooner or later and decides nothing; the
 * cost of the new one's round trip is in its net edge already.
 *
 * @param net expected funding + reversion - round trip of the new position, fraction of notional.
 */
export function positionToGiveUp(held: readonly Held[], net: number, options: RotationOptions): Held | undefined {
  if (!options.enabled || held.length === 0) return undefined
  const least = held.reduce((worst, position) => (position.expected < worst.expected ? position : worst))
  return net - least.expected > options.minGain ? least : undefined
}
