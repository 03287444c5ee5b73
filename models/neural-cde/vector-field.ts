import * as tf from '@tensorflow/tfjs'
import type { Parameters } from '../classifier/encoder.ts'

/**
 * The plain vector field f(h) = tanh(tanh(h W1 + b1) W2 + b2), read as a P x H matrix (Kidger et al. 2020, equation 4
 * and appendix B: the last tanh keeps the field bounded), with s = sigmoid in the place of tanh(x) = 2 s(2x) - 1,
 * which the wasm backend computes 15 times faster. The factors are folded into the weights once a batch:
 *
 *     s1 = s(h 2 W1 + 2 b1)                         inner activations 2 s1 - 1
 *     s2 = s(s1 4 W2 + 2 b2 - 2 (1^T W2))           field 2 s2 - 1
 *
 * and into the increments: f(h) dX = (2 dX) s2 - sum(dX).
 */
export interface FieldWeights {
  /** 2 W1, `[H, W]` */
  readonly inner: tf.Tensor2D
  /** 2 b1, `[W]` */
  readonly innerBias: tf.Tensor1D
  /** 4 W2, `[W, P * H]` */
  readonly outer: tf.Tensor2D
  /** 2 b2 - 2 (1^T W2), `[P * H]` */
  readonly outerBias: tf.Tensor1D
}

/** Transposed for the pullback once a batch: products with a transposed operand are ten times slower on wasm. */
export interface TransposedWeights {
  /** W1^T, `[W, H]` */
  readonly inner: tf.Tensor2D
  /** 4 W2^T, `[P * H, W]` */
  readonly outer: tf.Tensor2D
}

/** One step of the control path in the forms in which the field and its pullback want it. */
export interface Increment {
  /** 2 dX, `[B, 1, P]` */
  readonly doubled: tf.Tensor3D
  /** Sum of dX over the channels, `[B, 1]` */
  readonly sum: tf.Tensor2D
}

/** What one evaluation of the field leaves behind for its pullback. */
export type FieldTape = {
  /** Where it was evaluated, `[B, H]`. */
  readonly state: tf.Tensor2D
  /** s1, `[B, W]`. */
  readonly inner: tf.Tensor2D
  /** s2, `[B, P * H]`. */
  readonly outer: tf.Tensor2D
}

/** What the pullback of one evaluation finds out. */
export type FieldCotangents = {
  /** Gradient at h, `[B, H]`. */
  readonly state: tf.Tensor2D
  /** Gradient at the inner layer's pre-activations, `[B, W]`. */
  readonly inner: tf.Tensor2D
  /** Gradient at the outer layer's pre-activations, `[B, P * H]`. */
  readonly outer: tf.Tensor2D
}

/** The weights with the factors folded in; differentiable. */
export function fieldWeights({ innerWeight, innerBias, outerWeight, outerBias }: Parameters): FieldWeights {
  return tf.tidy(() => ({
    inner: tf.mul(innerWeight, 2) as tf.Tensor2D,
    innerBias: tf.mul(innerBias, 2) as tf.Tensor1D,
    outer: tf.mul(outerWeight, 4) as tf.Tensor2D,
    outerBias: tf.mul(tf.sub(outerBias, tf.sum(outerWeight, 0)), 2) as tf.Tensor1D,
  }))
}

/** The transposes that {@link pullbackField} multiplies by. */
export function transposedWeights(parameters: Parameters, weights: FieldWeights): TransposedWeights {
  return { inner: tf.transpose(parameters.innerWeight as tf.Tensor2D), outer: tf.transpose(weights.outer) }
}

/**
 * f(h) dX.
 *
 * @param state h, `[B, H]`
 * @returns the increment of h, `[B, H]`, and the tape; the caller's `tf.tidy` frees what is in neither
 */
export function evaluateField(
  weights: FieldWeights,
  state: tf.Tensor2D,
  { doubled, sum }: Increment,
): { change: tf.Tensor2D; tape: FieldTape } {
  const [batch, , path] = doubled.shape
  const hidden = state.shape[1]
  const inner = activated(state, weights.inner, weights.innerBias)
  const outer = activated(inner, weights.outer, weights.outerBias)
  const product = tf.matMul(doubled, tf.reshape(outer, [batch, path, hidden]))
  const change = tf.sub(tf.reshape(product, [batch, hidden]), sum) as tf.Tensor2D
  return { change, tape: { state, inner, outer } }
}

/** sigmoid(x W + b) in one kernel. */
function activated(a: tf.Tensor2D, b: tf.Tensor2D, bias: tf.Tensor1D): tf.Tensor2D {
  return tf.fused.matMul({ a, b, bias, activation: 'sigmoid' }) as tf.Tensor2D
}

/**
 * Pulls the gradient at f(h) dX back to h and to both layers: tanh' = 4 (s - s^2), with one half of the outer
 * layer's 4 in the increments and the inner layer's in the transposed weights.
 *
 * @param cotangent twice the gradient at the change, `[B, 1, H]`
 */
export function pullbackField(
  transposed: TransposedWeights,
  { inner, outer }: FieldTape,
  { doubled }: Increment,
  cotangent: tf.Tensor3D,
): FieldCotangents {
  const [batch, , path] = doubled.shape
  return tf.tidy(() => {
    const atField = tf.mul(tf.reshape(doubled, [batch, path, 1]), cotangent)
    const atOuter = tf.mul(tf.reshape(atField, outer.shape), slopeOfSigmoid(outer)) as tf.Tensor2D
    const atInner = tf.mul(tf.matMul(atOuter, transposed.outer), slopeOfSigmoid(inner)) as tf.Tensor2D
    return { state: tf.matMul(atInner, transposed.inner) as tf.Tensor2D, inner: atInner, outer: atOuter }
  })
}

/** Derivative of the sigmoid where it has the value `s`. */
const slopeOfSigmoid = (s: tf.Tensor2D): tf.Tensor2D => tf.sub(s, tf.square(s))
