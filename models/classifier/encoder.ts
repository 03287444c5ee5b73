import type * as tf from '@tensorflow/tfjs'
import type { Architecture } from './architecture.ts'
import type { ControlPath } from './control-path.ts'

/** Parameter tensors by name. */
export type Parameters = Record<string, tf.Tensor>

/** A hidden state with the way back from it to the parameters. */
export interface Encoded {
  /** h(T), `[count, hidden]`. */
  readonly state: tf.Tensor2D
  /**
   * The hand-written backward pass.
   *
   * @param cotangent gradient at h(T), `[count, hidden]`
   * @returns the gradient of each of the encoder's parameters, in its shape
   */
  readonly pullback: (cotangent: tf.Tensor2D) => Parameters
}

/**
 * Turns control paths into hidden states. Every function is called inside the caller's `tf.tidy`, keeps nothing beyond
 * it, and frees on the way what it no longer needs.
 */
export interface Encoder {
  /** Shape of each parameter, in the order in which they stand in the parameter vector. */
  shapes(architecture: Architecture): Record<string, readonly number[]>
  /** What the usual deviation of a parameter's first values (LeCun: 1 / sqrt(fan-in)) is multiplied by; 1 if left out. */
  initialScale?(name: string): number
  /** h(T) as a differentiable function of the parameters, `[count, hidden]`. */
  encode(architecture: Architecture, parameters: Parameters, path: ControlPath): tf.Tensor2D
  /** h(T) where no gradient is asked for; {@link encode} unless there is a faster way. */
  infer?(architecture: Architecture, parameters: Parameters, path: ControlPath): tf.Tensor2D
  /** h(T) and its pullback. */
  record(architecture: Architecture, parameters: Parameters, path: ControlPath): Encoded
}
