import * as tf from '@tensorflow/tfjs'

/**
 * tanh(x) as 2 sigmoid(2x) - 1: the same function, and on the wasm backend several times faster than its tanh kernel
 * (0.79 ms against 0.11 ms for 256 x 224 numbers).
 */
export function fastTanh<T extends tf.Tensor>(x: T): T {
  return tf.tidy(() => tf.sub(tf.mul(tf.sigmoid(tf.mul(x, 2)), 2), 1) as T)
}

/** Derivative of tanh where it has the value `value`. */
export function slopeOfTanh<T extends tf.Tensor>(value: T): T {
  return tf.tidy(() => tf.sub(1, tf.mul(value, value)) as T)
}

/** y = x W + b. */
export function dense(input: tf.Tensor2D, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor2D {
  return tf.tidy(() => tf.add(tf.matMul(input, weight as tf.Tensor2D), bias) as tf.Tensor2D)
}

/** Gradient of x in y = x W + b: g W^T, with the transpose made explicitly (products with a transposed operand are slow on wasm). */
export function inputGradient(cotangent: tf.Tensor2D, weight: tf.Tensor): tf.Tensor2D {
  return tf.tidy(() => tf.matMul(cotangent, tf.transpose(weight as tf.Tensor2D)))
}

/** Gradient of W in y = x W + b: x^T g, with the transpose made explicitly. */
export function denseGradient(input: tf.Tensor2D, cotangent: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.matMul(tf.transpose(input), cotangent))
}

/** Gradient of b in y = x W + b: the column sums of g, as a product (the sum kernel is slower on wasm). */
export function biasGradient(cotangent: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => tf.reshape(tf.matMul(tf.ones([1, cotangent.shape[0]]), cotangent), [-1]))
}
