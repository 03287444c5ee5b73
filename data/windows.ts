/**
 * A batch of feature windows: the last `knots` rows of a coin's feature table, unscaled.
 * This is what a regime model takes, in TypeScript and in ONNX alike.
 */
export interface Windows {
  readonly count: number
  readonly knots: number
  readonly channels: readonly string[]
  /** Row-major `[count, knots, channels]`; 0 where masked. */
  readonly features: Float32Array
  /** `[count, knots]`: hours since the window's first knot (uneven where bars are absent). */
  readonly hours: Float32Array
  /** `[count, knots, channels]`: 1 observed, 0 missing. */
  readonly mask: Float32Array
  /** `[count]` */
  readonly coin: readonly string[]
  /** `[count]`: the moment of the last knot. */
  readonly asOf: Float64Array
}
