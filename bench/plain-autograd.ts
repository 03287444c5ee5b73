import * as tf from '@tensorflow/tfjs'
import { type Architecture, directionChannel } from '#models/classifier/architecture.ts'
import type { ControlPath } from '#models/classifier/control-path.ts'
import type { Parameters } from '#models/classifier/encoder.ts'

/**
 * Logits of a neural CDE solved by Euler's method, written down from the formula with no thought of speed
 * (`tf.tanh`, whatever the backend makes of it): what a library's automatic differentiation costs whoever uses it as
 * it comes.
 *
 * @returns `[count, 3]`
 */
export function plainLogits(architecture: Architecture, parameters: Parameters, path: ControlPath): tf.Tensor2D {
  const { hidden } = architecture
  const { count, channels, steps } = path
  const layer = (x: tf.Tensor, weight: string, bias: string) =>
    tf.add(tf.matMul(x as tf.Tensor2D, parameters[weight] as tf.Tensor2D), parameters[bias])
  let state = layer(tf.tensor2d(path.initial, [count, channels]), 'initialWeight', 'initialBias')
  const increments = tf.tensor4d(path.increments, [steps, count, 1, channels])
  for (const increment of tf.unstack(increments)) {
    const inner = tf.tanh(layer(state, 'innerWeight', 'innerBias'))
    const field = tf.reshape(tf.tanh(layer(inner, 'outerWeight', 'outerBias')), [count, channels, hidden])
    state = tf.add(state, tf.reshape(tf.matMul(increment as tf.Tensor3D, field), [count, hidden]))
  }
  const final = tf.tensor2d(path.final, [count, channels])
  const upright = tf.concat([state, final], 1)
  const direction = tf.sign(tf.slice(final, [0, directionChannel(architecture)], [count, 1]))
  const read = tf.tanh(layer(tf.concat([upright, tf.mul(upright, direction)], 1), 'readoutWeight', 'readoutBias'))
  return layer(read, 'logitWeight', 'logitBias') as tf.Tensor2D
}
