/** The feature channels, in the order in which every table, window and graph carries them (design section 4). */
export const FEATURES = ['return', 'return12', 'volatility', 'funding', 'volumeTrend', 'range', 'openInterest'] as const
export type Feature = (typeof FEATURES)[number]

/** Features of one coin, one row per bar; `NaN` where missing. */
export interface FeatureTable {
  readonly coin: string
  readonly channels: readonly Feature[]
  /** When the row is known: bar opening + 1 h, UTC milliseconds. */
  readonly asOf: Float64Array
  /** Row-major `[rows, channels]`, unscaled. */
  readonly values: Float32Array
  /** Root mean square of the last 168 hourly log returns known at `asOf`; `NaN` while unknown. */
  readonly sigma: Float64Array
}
