import * as tf from '@tensorflow/tfjs'
import { lossAndGradient, regimeLogits } from '#models/classifier/classifier.ts'
import { splitParameters } from '#models/classifier/parameters.ts'
import { randomCde, randomPath } from './cases.ts'
import type { Suite } from './suite.ts'

const BATCH = 256

/**
 * Forward and backward pass of the plain vector field, one stage: the hand-written backward pass against
 * TensorFlow.js's automatic differentiation of the same forward pass (design section 6: 5.9 ms a window for the latter).
 */
export const gradient: Suite = {
  name: `gradient of a neural CDE, ${BATCH} windows, 48 knots, 7 channels, hidden 64, width 128`,
  unit: 'ms a window',
  divisor: BATCH,
  reference: 'automatic differentiation',
  async cases() {
    const { architecture, parameters } = randomCde({ hidden: 64, width: 128, knots: 48 })
    const path = randomPath(architecture, BATCH)
    const targets = {
      probabilities: new Float32Array(BATCH * 3).fill(1 / 3),
      weights: new Float32Array(BATCH).fill(1 / BATCH),
    }
    const views = splitParameters(architecture, parameters)
    const names = Object.keys(views)
    const tensors = names.map((name) => tf.tensor(views[name].values, views[name].shape))
    const wanted = tf.tensor2d(targets.probabilities, [BATCH, 3])
    const automatic = tf.valueAndGrads((...inputs: tf.Tensor[]) => {
      const named = Object.fromEntries(names.map((name, i) => [name, inputs[i]]))
      const logProbabilities = tf.logSoftmax(regimeLogits(architecture, named, path))
      return tf.neg(tf.div(tf.sum(tf.mul(logProbabilities, wanted)), BATCH)) as tf.Scalar
    })
    return {
      'automatic differentiation': async () => {
        const { value, grads } = automatic(tensors)
        await Promise.all([value, ...grads].map((tensor) => tensor.data()))
        tf.dispose([value, ...grads])
      },
      'hand-written backward pass': async () => {
        await lossAndGradient(architecture, parameters, path, targets)
      },
    }
  },
}
