import type { Bars } from '#data/bars.ts'
import type { Journal } from '../ledger/journal.ts'
import type { OrderRequest } from './order.ts'

/** What a venue says about a perpetual (Hyperliquid document, sections 1.1, 6 and 7). */
export interface Contract {
  readonly coin: string
  /** Decimals of a size. */
  readonly sizeDecimals: number
  /** Tiers in ascending order of `lowerBound` (dollars of notional); the first begins at 0. */
  readonly marginTiers: readonly MarginTier[]
  /** Isolated only, margin cannot be taken out. */
  readonly strictlyIsolated?: boolean
}

export interface MarginTier {
  readonly lowerBound: number
  readonly maxLeverage: number
}

/** A contract with the history that is known of it; rows after the present may be there and must not be looked at. */
export interface Listing {
  readonly contract: Contract
  readonly bars: Bars
}

/**
 * Where orders go. The engine knows no other way to trade: research, backtest and paper use the simulated exchange
 * (`src/paper/`), live would use Hyperliquid's.
 *
 * A venue never keeps what cannot be found again in the ledger: whatever happens is recorded in the journal, in order,
 * and after a restart the venue goes on from the journal's state. Every driver passes
 * `test/src/venue/conformance.ts`.
 */
export interface Venue {
  readonly kind: 'paper' | 'live'
  /**
   * Lets time pass from `journal.state.advancedTo` to `time` (the next full hour, UTC milliseconds) and records what
   * happened: fills, cancellations, liquidations, funding, and a mark for every open position. Does not record the `hour`
   * event and does not commit; the engine does both.
   */
  advance(journal: Journal, time: number, listings: ReadonlyMap<string, Listing>, signal?: AbortSignal): Promise<void>
  /**
   * Sends an order whose intent is already committed, and records `open` or `rejected` with the venue's words.
   * Sending the same cloid again changes nothing.
   */
  submit(journal: Journal, order: OrderRequest, time: number, listing: Listing): Promise<void>
  /** Takes back what is left of an order; records `cancelled`. Nothing happens to an order that is not open. */
  cancel(journal: Journal, cloid: string, time: number): Promise<void>
}
