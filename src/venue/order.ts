/** How long an order lives: post-only, immediate-or-cancel, good-till-cancel (Hyperliquid document, section 8.3). */
export type TimeInForce = 'Alo' | 'Ioc' | 'Gtc'

/** What a position's margin is: shared by all cross positions, or its own. */
export type MarginMode = 'cross' | 'isolated'

/** An order as it is sent to a venue. */
export interface OrderRequest {
  /**
   * Client order id, `0x` and 32 hexadecimal digits, chosen before the order is sent: sending the same id twice is the
   * same order, which is what makes a restart safe.
   */
  readonly cloid: string
  readonly coin: string
  /** Signed change of the position in coins; + buys. */
  readonly size: number
  /** Worst price that is accepted. There are no market orders on the venue: one is an `Ioc` with a generous limit. */
  readonly limitPrice: number
  readonly timeInForce: TimeInForce
  /** Never opens or turns a position; an oversized one is cut to the position. */
  readonly reduceOnly: boolean
  /** Margin mode and leverage that the coin is set to before the order goes out; left as they are if absent. */
  readonly margin?: { readonly mode: MarginMode; readonly leverage: number }
}

/** What became of an order. `open`: accepted, nothing known yet, or resting. */
export type OrderStatus = 'open' | 'rejected' | 'cancelled' | 'filled'
