import type { MarginMode, OrderRequest, OrderStatus } from '../venue/order.ts'

/** When something happened, UTC milliseconds; never before the event before it. */
interface At {
  readonly time: number
}

interface OfCoin extends At {
  readonly coin: string
}

/** Money that came in from outside; the first event of a ledger. Whole micro-dollars. */
export interface DepositEvent extends At {
  readonly kind: 'deposit'
  readonly amount: number
}

/** The settings in force from here on; the first round writes them, and every change does. */
export interface SettingsEvent extends At {
  readonly kind: 'settings'
  /** SHA-256 of `settings`, hexadecimal. */
  readonly digest: string
  /** Canonical JSON of the wheel's options. */
  readonly settings: string
}

/** What is planned with a position, told with the order that opens it. */
export interface Plan {
  readonly direction: 1 | -1
  /** Until when it is meant to be held, UTC milliseconds; later if it is renewed. */
  readonly holdUntil: number
  /** P(trend) when it was opened. */
  readonly trendProbability: number
  /** Expected net gain over the horizon, fraction of notional. */
  readonly edge: number
  /** Share of each scanner in the decision, adds up to 1: what the position's result is credited to. */
  readonly sources: Readonly<Record<string, number>>
}

/** Why a position is closed. */
export type ExitReason =
  | 'horizon'
  | 'hysteresis'
  | 'opposite signal'
  | 'regime change'
  | 'rotation'
  | 'protection'
  | 'end of period'

/** An order that is about to be sent: committed before anything goes out. */
export interface IntentEvent extends OfCoin {
  readonly kind: 'intent'
  readonly order: OrderRequest
  /** Price the decision was taken at, against which slippage is measured. */
  readonly referencePrice: number
  readonly purpose: { readonly opens: Plan } | { readonly closes: ExitReason }
}

/** What the venue says about an order. */
export interface OrderEvent extends OfCoin {
  readonly kind: 'order'
  readonly cloid: string
  readonly status: OrderStatus
  /** Signed coins that were not filled. */
  readonly remaining: number
  /** The venue's words, for a rejection or a cancellation. */
  readonly message?: string
}

export interface FillEvent extends OfCoin {
  readonly kind: 'fill'
  /** Of the order; `liquidation` where the venue closed the position. */
  readonly cloid: string
  /** Signed, in coins. */
  readonly size: number
  readonly price: number
  /** size x price in micro-dollars, signed like the size. */
  readonly notional: number
  /** Micro-dollars; negative is a rebate. */
  readonly fee: number
  readonly liquidity: 'taker' | 'maker'
  /**
   * Micro-dollars lost against the intent's reference price (size x (price - reference)); negative is a gain. Part of
   * the price result, told apart for attribution.
   */
  readonly slippage: number
  /** Micro-dollars realised at average cost by what the fill closed, without the fee; 0 where it opened. */
  readonly closedPnl: number
}

export interface FundingEvent extends OfCoin {
  readonly kind: 'funding'
  /** Position held at the settlement, signed coins. */
  readonly size: number
  /** Oracle price, or what stands in for it. */
  readonly price: number
  /** Fraction per hour; null where the rate is not known, and then the amount is 0. */
  readonly rate: number | null
  /** Micro-dollars received: -size x price x rate; negative: paid. */
  readonly amount: number
}

/** Value of an open position at the full hour. */
export interface MarkEvent extends OfCoin {
  readonly kind: 'mark'
  readonly price: number
  /** True where the hour had no price and the last one was kept. */
  readonly stale: boolean
}

/** Margin mode and leverage of a coin, before its position is opened. */
export interface LeverageEvent extends OfCoin {
  readonly kind: 'leverage'
  readonly mode: MarginMode
  readonly leverage: number
}

/** Micro-dollars moved from the cross account into an isolated position; negative: back. */
export interface TransferEvent extends OfCoin {
  readonly kind: 'transfer'
  readonly amount: number
}

/** The venue takes over: recorded before the fills that close what it takes. Micro-dollars. */
export interface LiquidationEvent extends At {
  readonly kind: 'liquidation'
  readonly mode: MarginMode
  /** Positions that are closed: the one a market order is for; by a backstop all cross ones, or the one isolated. */
  readonly coins: readonly string[]
  /** To the book, or taken over by the liquidator vault below 2/3 of the maintenance margin. */
  readonly method: 'market' | 'backstop'
  readonly accountValue: number
  readonly maintenance: number
}

/** The plan of an open position was changed: it is held for longer. */
export interface RenewalEvent extends OfCoin {
  readonly kind: 'renewal'
  readonly holdUntil: number
}

/** What was decided at a full hour; the stories themselves lie beside the events under their digest. */
export interface RoundEvent extends At {
  readonly kind: 'round'
  /** Coins that were looked at, and those that had something to decide. */
  readonly evaluated: number
  readonly candidates: number
  /** SHA-256 of the canonical JSON of the round's stories, hexadecimal. */
  readonly stories: string
  /** What served the regime, `kind id`, `none` where nothing did; and one sentence per step down. */
  readonly model: string
  readonly degraded: readonly string[]
}

/** The venue has told everything up to `time`; micro-dollars. */
export interface HourEvent extends At {
  readonly kind: 'hour'
  readonly equity: number
  /** Sum of |value| and signed sum of what is open. */
  readonly gross: number
  readonly net: number
}

/** Something forbids new positions, for all coins or one. */
export interface ProtectionEvent extends At {
  readonly kind: 'protection'
  /** `drawdown`, `losing-streak`, `cooldown`, `lock`, ... */
  readonly protection: string
  /** A coin, or `*` for the whole portfolio. */
  readonly scope: string
  /** Who set it: `engine`, or who gave the command. */
  readonly setBy: string
  readonly reason: string
  /** UTC milliseconds, null: until it is lifted. Equal to `time`: lifted now. */
  readonly until: number | null
}

/** The fusion's weights after learning from a round. */
export interface WeightsEvent extends At {
  readonly kind: 'weights'
  readonly weights: Readonly<Record<string, number>>
}

export type GraduationState = 'paper' | 'eligible' | 'approved' | 'live' | 'demoted'

/** A step of the state machine between paper and money. */
export interface GraduationEvent extends At {
  readonly kind: 'graduation'
  readonly from: GraduationState
  readonly to: GraduationState
  /** `gates`, or the person who gave the command. */
  readonly by: string
  readonly reason: string
  /** Every gate with its figure, as text. */
  readonly evidence: Readonly<Record<string, string>>
}

/** Everything that can happen, in the order in which it happened: the ledger is the list of these. */
export type LedgerEvent =
  | DepositEvent
  | SettingsEvent
  | IntentEvent
  | OrderEvent
  | FillEvent
  | FundingEvent
  | MarkEvent
  | LeverageEvent
  | TransferEvent
  | LiquidationEvent
  | RenewalEvent
  | RoundEvent
  | HourEvent
  | ProtectionEvent
  | WeightsEvent
  | GraduationEvent
