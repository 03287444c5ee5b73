import type { TimeRange } from '#data/bars.ts'
import type { ProtectionEvent } from '#src/ledger/events.ts'
import type { Figure, Missing } from '#src/performance/figure.ts'
import type { Performance } from '#src/performance/performance.ts'
import type { SharpeFigures } from '#src/performance/sharpe.ts'
import type { Baseline } from './baselines.ts'
import type { HourlyEquity, LayerWorth } from './layers.ts'

/** Profit and loss by what made it, dollars: net = price + funding - fees - slippage. */
export interface MoneySplit {
  /** As if every fill had been at the price its order was decided at. */
  readonly price: number
  /** Received; negative: paid. */
  readonly funding: number
  /** Paid. */
  readonly fees: number
  /** Lost between decision and fill; negative: gained. */
  readonly slippage: number
  readonly net: number
}

/** A closed position; money in dollars, times UTC milliseconds. */
export interface TradeRow extends MoneySplit {
  readonly coin: string
  readonly side: 'long' | 'short'
  readonly opened: number
  readonly closed: number
  /** Largest size held, at the entry price. */
  readonly size: number
  readonly reason: string
  /** Share of each scanner in the opening. */
  readonly sources: Readonly<Record<string, number>>
}

/** How often a gate spoke against an opening. */
export interface RejectionCount {
  readonly gate: string
  readonly words: string
  readonly count: number
}

/** Fusion weights over time, columns of one length. */
export interface WeightHistory {
  readonly time: readonly number[]
  /** By scanner, shares of all weights. */
  readonly shares: Readonly<Record<string, readonly number[]>>
}

/** A baseline, and how far the run is ahead of it. */
export type BaselineResult = (Baseline & { readonly worth: LayerWorth }) | ({ readonly name: string } & Missing)

/** A run without one of its layers, and what the layer was worth. */
export interface LayerResult {
  readonly name: string
  readonly words: string
  /** Dollars, over the range. */
  readonly equityChange: number
  readonly sharpe: SharpeFigures | Missing
  readonly trades: number
  readonly equity: HourlyEquity
  /** The full run minus this one. */
  readonly worth: LayerWorth
  /** p after Holm's correction for the number of layers. */
  readonly corrected: number
}

/** All that the page on a backtest shows: plain data, written as `report.json` as it is. Times are UTC milliseconds. */
export interface BacktestReportData {
  readonly generatedAt: number
  readonly source: string
  readonly origin: string
  /** Coins traded. */
  readonly coins: readonly string[]
  /** asOf of the decisions, half-open. */
  readonly range: TimeRange
  readonly seed: number
  /** SHA-256 of the settings. */
  readonly settings: string
  readonly capitalDollars: number
  /** How the regime estimates were made, and what is missing or worse about them. */
  readonly model: { readonly words: string; readonly degradations: readonly string[] }
  readonly equity: HourlyEquity
  /** Below the highest equity so far, `[hours]`, fraction of it. */
  readonly drawdown: readonly number[]
  /** `[hours]`, multiples of equity; `NaN` where there was none. */
  readonly exposure: { readonly gross: readonly number[]; readonly net: readonly number[] }
  readonly split: {
    readonly total: MoneySplit
    readonly byCoin: Readonly<Record<string, MoneySplit & { readonly trades: number }>>
    readonly bySource: Readonly<Record<string, MoneySplit>>
    /** Since the beginning, `[hours]`. */
    readonly cumulative: { readonly [part in keyof MoneySplit]: readonly number[] }
  }
  readonly trades: readonly TradeRow[]
  /** Coin-hours decided upon. */
  readonly decisions: number
  readonly rejections: {
    readonly counts: readonly RejectionCount[]
    /** By month `YYYY-MM`, then by gate. */
    readonly byMonth: Readonly<Record<string, Readonly<Record<string, number>>>>
  }
  readonly weights: WeightHistory
  readonly protections: readonly Omit<ProtectionEvent, 'kind'>[]
  readonly figures: Pick<
    Performance,
    'hours' | 'missingHours' | 'totalReturn' | 'sharpe' | 'sortino' | 'drawdown' | 'turnover' | 'exposure'
  > & {
    /** Money in dollars. */
    readonly trades: {
      readonly count: number
      readonly winRate: Figure
      readonly profitFactor: Figure
      readonly meanWin: Figure
      readonly meanLoss: Figure
      readonly meanHours: Figure
    }
  }
  /** What did not go as ordered, counted. */
  readonly incidents: {
    readonly lapsed: number
    readonly liquidations: number
    readonly unknownFundingHours: number
    readonly staleMarkHours: number
    readonly stillOpen: readonly string[]
  }
  readonly baselines: readonly BaselineResult[]
  readonly layers: readonly LayerResult[]
}
