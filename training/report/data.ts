import type { DataNotice } from '#data/provider.ts'
import type { Regime } from '#models/regime.ts'
import type { Evaluation } from '../evaluation.ts'

/** Data of one coin as it went into the run. Times are UTC milliseconds. */
export interface CoinData {
  readonly coin: string
  readonly bars: number
  /** Labelled windows made from the bars. */
  readonly windows: number
  readonly from: number
  readonly to: number
  /** Hours absent between the first and the last bar. */
  readonly gapHours: number
  /** Bars without settled funding. */
  readonly fundingMissing: number
  readonly classShare: Record<Regime, number>
}

/** One pass over the training fold. */
export interface EpochRecord {
  readonly epoch: number
  readonly trainLoss: number
  readonly validationLoss: number
  readonly validationMacroF1: number
}

/** What became of the exported models: one entry a graph. */
export interface OnnxRecord {
  readonly path: string
  readonly sha256: string
  /** Largest absolute difference of probabilities between the training backend and onnxruntime. */
  readonly maxAbsDiff: number
}

/** How the estimates over the test period were computed. */
export interface InferenceRecord {
  readonly broker: string
  readonly workers: number
  readonly jobs: number
  readonly windows: number
  readonly seconds: number
  /** Windows answered, by kind or id of the model that answered. */
  readonly servedBy: Record<string, number>
  /** Why these versions served. */
  readonly why?: string
  /** Every step down (CDE to HMM, HMM to nothing), in words. */
  readonly degradations: readonly string[]
}

/** The wheel over the test period, in USD; `equityChange = realised + funding - fees`. */
export interface WheelRecord {
  readonly decisions: number
  readonly trades: number
  /** Paid; positive. */
  readonly fees: number
  /** Received; negative where more was paid. */
  readonly funding: number
  readonly realised: number
  readonly equityChange: number
  readonly equity: { readonly time: readonly number[]; readonly value: readonly number[] }
  readonly perCoin: readonly WheelCoin[]
  readonly rejections: readonly { readonly reason: string; readonly count: number }[]
}

/** The wheel on one coin, in USD. */
export interface WheelCoin {
  readonly coin: string
  readonly trades: number
  readonly fees: number
  readonly funding: number
  readonly realised: number
}

/** One coin over the test period, one entry an hour; all arrays are equally long. */
export interface Timeline {
  readonly coin: string
  /** UTC milliseconds, ascending. */
  readonly asOf: readonly number[]
  /** USD. */
  readonly close: readonly number[]
  /** Fraction per hour; `NaN` where unknown. */
  readonly funding: readonly number[]
  /** Most probable regime as served, index into `REGIMES`; 255 where there was no estimate. */
  readonly regime: readonly number[]
  /** Centred label, index into `REGIMES`; 255 where there is none. */
  readonly label: readonly number[]
}

/** All that the report shows: plain data, written as `report.json` as it is. Times are UTC milliseconds. */
export interface ReportData {
  readonly generatedAt: number
  /** Name of the provider, e.g. `csv`. */
  readonly source: string
  /** Where exactly, e.g. `csv:/home/me/data`. */
  readonly origin: string
  /** Coins evaluated. */
  readonly coins: readonly string[]
  /** Coins trained on. */
  readonly pool: readonly string[]
  readonly range: { readonly from: number; readonly to: number }
  readonly testFrom: number
  readonly seed: number
  readonly dataset: {
    readonly bars: number
    readonly windows: number
    readonly classShare: Record<Regime, number>
    readonly perCoin: readonly CoinData[]
    readonly notices: readonly DataNotice[]
  }
  readonly backend: { readonly name: string; readonly reason: string }
  readonly evaluation: Evaluation
  readonly training: {
    readonly cde: { readonly epochs: readonly EpochRecord[]; readonly bestEpoch: number; readonly seconds: number }
    /** What is worth knowing of the fit: states, covariance, BIC, ... */
    readonly hmm: Record<string, string | number | boolean>
  }
  readonly onnx: Record<string, OnnxRecord>
  readonly inference: InferenceRecord
  readonly wheel: WheelRecord
  readonly timelines: readonly Timeline[]
  /** Seconds of each stage of the run. */
  readonly seconds: Record<string, number>
}
