import type { Expectation } from '../scanners/scanner.ts'

/** What a position is expected to bring over its horizon, as fractions of notional. */
export interface Edge {
  readonly funding: number
  readonly reversion: number
  /** Fees, spread and impact of opening and closing. */
  readonly cost: number
  /** funding + reversion - cost. */
  readonly net: number
}

/** @param roundTrip cost of opening and closing, fraction of notional. */
export function edgeOf({ funding, reversion }: Expectation, roundTrip: number): Edge {
  return { funding, reversion, cost: roundTrip, net: funding + reversion - roundTrip }
}
