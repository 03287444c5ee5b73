import * as tf from '@tensorflow/tfjs'
import { type Architecture, directionChannel, pathChannels } from './architecture.ts'
import type { ControlPath } from './control-path.ts'
import { biasGradient, dense, denseGradient, fastTanh, inputGradient, slopeOfTanh } from './dense.ts'
import type { Parameters } from './encoder.ts'

/** What the read-out leaves behind for its pullback. */
export interface ReadOut {
  /** `[count, 3]` */
  readonly logits: tf.Tensor2D
  readonly direction: tf.Tensor2D
  readonly input: tf.Tensor2D
  readonly layer: tf.Tensor2D
}

/** Sign of the direction channel at X(T), `[count, 1]`; 1 where the model has no such channel. */
function directions(architecture: Architecture, path: ControlPath): tf.Tensor2D {
  const channel = directionChannel(architecture)
  const width = pathChannels(architecture)
  const signs = new Float32Array(path.count).fill(1)
  if (channel >= 0) for (let n = 0; n < path.count; n++) signs[n] = Math.sign(path.final[n * width + channel])
  return tf.tensor2d(signs, [path.count, 1])
}

/**
 * The read-out layer. Trend and reversal are about whether the market goes on in its direction, which is a product
 * of what was learned and that direction: the layer sees h(T) and X(T) as they are and turned into it, instead of having
 * to learn the product.
 *
 * @param state h(T), `[count, hidden]`
 */
export function readOut(
  architecture: Architecture,
  parameters: Parameters,
  state: tf.Tensor2D,
  path: ControlPath,
): ReadOut {
  const direction = directions(architecture, path)
  const upright = tf.concat([state, tf.tensor2d(path.final, [path.count, pathChannels(architecture)])], 1)
  const input = tf.concat([upright, tf.mul(upright, direction) as tf.Tensor2D], 1)
  const layer = fastTanh(dense(input, parameters.readoutWeight, parameters.readoutBias))
  const logits = dense(layer, parameters.logitWeight, parameters.logitBias)
  return { direction, input, layer, logits }
}

/**
 * Pulls the gradient at the logits, `[count, 3]`, back to h(T), `[count, hidden]`, and to the read-out's parameters.
 */
export function pullbackReadOut(
  architecture: Architecture,
  parameters: Parameters,
  { direction, input, layer }: ReadOut,
  cotangent: tf.Tensor2D,
): { state: tf.Tensor2D; gradients: Parameters } {
  const { hidden } = architecture
  const atLayer = tf.mul(inputGradient(cotangent, parameters.logitWeight), slopeOfTanh(layer)) as tf.Tensor2D
  const atInput = inputGradient(atLayer, parameters.readoutWeight)
  const [count, width] = input.shape
  const upright = tf.slice2d(atInput, [0, 0], [count, hidden])
  const turned = tf.slice2d(atInput, [0, width / 2], [count, hidden])
  return {
    state: tf.add(upright, tf.mul(turned, direction)) as tf.Tensor2D,
    gradients: {
      readoutWeight: denseGradient(input, atLayer),
      readoutBias: biasGradient(atLayer),
      logitWeight: denseGradient(layer, cotangent),
      logitBias: biasGradient(cotangent),
    },
  }
}
