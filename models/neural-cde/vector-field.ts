import * as tf from '@tensorflow/tfjs'
import { biasGradient, denseGradient, fastTanh, slopeOfTanh } from '../classifier/dense.ts'

/** Weights of the plain vector field with the transposes that its pullback needs. */
export interface FieldWeights {
  /** `[H, W]` */
  readonly innerWeight: tf.Tensor2D
  readonly innerBias: tf.Tensor1D
  /** `[W, P * H]` */
  readonly outerWeight: tf.Tensor2D
  readonly outerBias: tf.Tensor1D
  /** Transposed once a batch: the backend's products with a transposed operand are about ten times slower. */
  readonly innerTransposed?: tf.Tensor2D
  readonly outerTransposed?: tf.Tensor2D
}

/** What one evaluation of the field leaves behind for its pullback. */
export type FieldTape = {
  /** Where it was evaluated, `[B, H]`. */
  readonly state: tf.Tensor2D
  /** Inner activations, `[B, W]`. */
  readonly inner: tf.Tensor2D
  /** f(h) as `[B, P * H]`. */
  readonly field: tf.Tensor2D
}

/** What the pullback of one evaluation leaves behind for the weight gradients. */
export type FieldCotangents = {
  /** Gradient at the inner layer's pre-activations, `[B, W]`. */
  readonly inner: tf.Tensor2D
  /** Gradient at the outer layer's pre-activations, `[B, P * H]`. */
  readonly outer: tf.Tensor2D
}

/**
 * f(h) dX with f(h) = tanh(tanh(h W1 + b1) W2 + b2) read as a P x H matrix (Kidger et al. 2020, equation 4 and
 * appendix B: the last tanh keeps the field bounded).
 *
 * @param state h, `[B, H]`
 * @param increment dX, `[B, P]`
 * @returns the increment of h, `[B, H]`, and the tape
 */
export function evaluateField(
  weights: FieldWeights,
  state: tf.Tensor2D,
  increment: tf.Tensor2D,
): { change: tf.Tensor2D; tape: FieldTape } {
  const [batch, hidden] = state.shape
  const path = increment.shape[1]
  const [inner, field, change] = tf.tidy(() => {
    const inner = fastTanh(tf.add(tf.matMul(state, weights.innerWeight), weights.innerBias) as tf.Tensor2D)
    const field = fastTanh(tf.add(tf.matMul(inner, weights.outerWeight), weights.outerBias) as tf.Tensor2D)
    const rows = tf.reshape(increment, [batch, 1, path])
    const change = tf.reshape(tf.matMul(rows, tf.reshape(field, [batch, path, hidden])), [batch, hidden])
    return [inner, field, change as tf.Tensor2D]
  })
  return { change, tape: { state, inner, field } }
}

/**
 * Pulls the gradient at f(h) dX back to h.
 *
 * @param cotangent gradient at the change, `[B, H]`
 * @returns gradient at h, `[B, H]`, and what the weight gradients need
 */
export function pullbackField(
  weights: Required<FieldWeights>,
  tape: FieldTape,
  increment: tf.Tensor2D,
  cotangent: tf.Tensor2D,
): { state: tf.Tensor2D; cotangents: FieldCotangents } {
  const [batch, hidden] = cotangent.shape
  const path = increment.shape[1]
  const [state, inner, outer] = tf.tidy(() => {
    const atField = tf.mul(tf.reshape(increment, [batch, path, 1]), tf.reshape(cotangent, [batch, 1, hidden]))
    const outer = tf.mul(tf.reshape(atField, [batch, path * hidden]), slopeOfTanh(tape.field)) as tf.Tensor2D
    const inner = tf.mul(tf.matMul(outer, weights.outerTransposed), slopeOfTanh(tape.inner)) as tf.Tensor2D
    return [tf.matMul(inner, weights.innerTransposed) as tf.Tensor2D, inner, outer]
  })
  return { state, cotangents: { inner, outer } }
}

/** Gradients of the field's weights, summed over all its evaluations in one product each. */
export function fieldWeightGradients(tapes: readonly FieldTape[], cotangents: readonly FieldCotangents[]) {
  return tf.tidy(() => {
    const inner = tf.concat(cotangents.map((c) => c.inner))
    const outer = tf.concat(cotangents.map((c) => c.outer))
    return {
      innerWeight: denseGradient(tf.concat(tapes.map((tape) => tape.state)), inner),
      innerBias: biasGradient(inner),
      outerWeight: denseGradient(tf.concat(tapes.map((tape) => tape.inner)), outer),
      outerBias: biasGradient(outer),
    }
  })
}
