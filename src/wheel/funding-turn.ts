import type { Bars } from '#data/bars.ts'
import type { OuFundingOptions } from '../options/funding-scanners.ts'
import { fitOu, type OuFailure, type OuFit } from '../ou.ts'
import { fundingGrid } from '../scanners/funding.ts'
import { breakEvenHour, SIGN_FLIP_CAP, signFlipWithin } from './sign-flip.ts'

/** What is known of one coin's funding at one hour. */
interface Known {
  readonly asOf: number
  readonly options: OuFundingOptions
  readonly rate: number
  readonly fit: OuFit | OuFailure
  /** By side and hour of the break-even. */
  readonly flips: Map<string, number>
}

/** The last hour that was asked for, by history: the wheel and its variants ask for the same one after the other. */
const memory = new WeakMap<Bars, Known>()

/**
 * Probability that funding turns against `direction` before its income has earned back `cost` (see `sign-flip.ts`), from
 * the OU process fitted to the funding known at `asOf`.
 *
 * @param cost of the round trip, fraction of notional.
 */
export function fundingTurn(
  bars: Bars,
  asOf: number,
  direction: 1 | -1,
  cost: number,
  options: OuFundingOptions,
): number | { readonly unavailable: string } {
  const { rate, fit, flips } = knownAt(bars, asOf, options)
  if (Number.isNaN(rate)) return { unavailable: 'no funding settled at this hour' }
  if ('unavailable' in fit) return fit
  const hours = Math.min(breakEvenHour(fit, rate, direction, cost), SIGN_FLIP_CAP)
  const key = `${direction} ${hours}`
  let flip = flips.get(key)
  if (flip === undefined) {
    flip = signFlipWithin(fit, rate, direction, hours)
    flips.set(key, flip)
  }
  return flip
}

function knownAt(bars: Bars, asOf: number, options: OuFundingOptions): Known {
  const last = memory.get(bars)
  if (last?.asOf === asOf && last.options === options) return last
  const grid = fundingGrid(bars, asOf, options.windowHours)
  const rate = grid[grid.length - 1]
  const known = { asOf, options, rate, fit: fitOu(grid, options.minPairs), flips: new Map() }
  memory.set(bars, known)
  return known
}
