import * as tf from '@tensorflow/tfjs'
import { type Architecture, pathChannels } from '../classifier/architecture.ts'
import type { ControlPath } from '../classifier/control-path.ts'
import { biasGradient, dense, denseGradient } from '../classifier/dense.ts'
import type { Encoded, Encoder, Parameters } from '../classifier/encoder.ts'
import { blockCount, STATE_LIMIT } from './blocks.ts'
import { pullBackRecurrence, type RecurrenceSize, runRecurrence } from './recurrence.ts'

/**
 * The structured linear neural CDE: h(0) = X(0) W + b, dh = A(dX) h + b(dX) with A(dX) = sum_c dX_c A_c, every A_c
 * block-diagonal, one Euler step a knot (Walker et al. 2025, "Structured Linear CDEs", the block-diagonal SLiCE; Cirone
 * et al. 2024, "Theoretical Foundations of Deep Selective State-Space Models", equation 1, for the linear CDE with its
 * drift). There is no network in the field: A of all steps is one product with the increments, and what is left of the
 * solver is `hidden * block` multiplications a knot.
 */
export const linearEncoder: Encoder = {
  shapes(architecture) {
    const { hidden, block } = architecture
    const path = pathChannels(architecture)
    blockCount(architecture)
    return {
      // h(0) = X(0) W + b
      initialWeight: [path, hidden],
      initialBias: [hidden],
      // A_c, its blocks row after row: [P, H, block]
      transitionWeight: [path, hidden * block],
      // b(dX) = dX D
      driftWeight: [path, hidden],
    }
  },

  // I + A(dX) begins near I: products of many of them neither die out nor grow.
  initialScale: (name) => (name === 'transitionWeight' ? 0.1 : 1),

  encode(architecture, parameters, path) {
    const { hidden, block } = architecture
    const { count, steps } = path
    const blocks = blockCount(architecture)
    const { at, increments } = uploadPath(path)
    let state = dense(at, parameters.initialWeight, parameters.initialBias)
    // A window of one knot: the backend's products over nothing are not 0 but what lay in memory.
    if (steps === 0) return state
    const transitions = tf.matMul<tf.Tensor2D>(increments, parameters.transitionWeight as tf.Tensor2D)
    const drifts = tf.matMul<tf.Tensor2D>(increments, parameters.driftWeight as tf.Tensor2D)
    for (let step = 0; step < steps; step++) {
      state = tf.tidy(() => {
        const matrix = tf.slice2d(transitions, [step * count, 0], [count, hidden * block])
        const turned = tf.matMul(
          tf.reshape(matrix, [count * blocks, block, block]),
          tf.reshape(state, [count * blocks, block, 1]),
        )
        const drift = tf.slice2d(drifts, [step * count, 0], [count, hidden])
        const next = tf.add(tf.add(state, drift), tf.reshape(turned, [count, hidden])) as tf.Tensor2D
        return tf.clipByValue(next, -STATE_LIMIT, STATE_LIMIT)
      })
    }
    return state
  },

  infer(architecture, parameters, path) {
    if (!readableAtOnce()) return linearEncoder.encode(architecture, parameters, path)
    const { hidden, block } = architecture
    const { states } = statesOnCpu(architecture, parameters, path)
    return finalState({ steps: path.steps, count: path.count, hidden, block }, states)
  },

  record(architecture, parameters, path) {
    return readableAtOnce()
      ? recordOnCpu(architecture, parameters, path)
      : recordOnDevice(architecture, parameters, path)
  },
}

/** True where tensors lie in this process's memory: reading them is a copy, not a wait for a device. */
function readableAtOnce(): boolean {
  return ['wasm', 'cpu'].includes(tf.getBackend())
}

function uploadPath(path: ControlPath) {
  return {
    at: tf.tensor2d(path.initial, [path.count, path.channels]),
    increments: tf.tensor2d(path.increments, [path.steps * path.count, path.channels]),
  }
}

/**
 * Large products as tensors, the recurrence between them over plain numbers: kernels of so few numbers a step cost more
 * to call than to run. The products have the increments, which are few, on their right: the backend repacks what stands
 * there (25 ms against 2 ms for the gradient of 256 windows of 48 knots).
 */
function recordOnCpu(architecture: Architecture, parameters: Parameters, path: ControlPath): Encoded {
  const { hidden, block } = architecture
  const { count, steps } = path
  const size = { steps, count, hidden, block }
  const { at, increments, states, transitions, drifts } = statesOnCpu(architecture, parameters, path)
  return {
    state: finalState(size, states),
    pullback(cotangent) {
      const gradients = readOnce(tf.transpose(cotangent))
      pullBackRecurrence(size, states, transitions, drifts, gradients)
      const atStart = tf.transpose(tf.tensor2d(gradients, [hidden, count])) as tf.Tensor2D
      const gradientOf = (values: Float32Array, width: number) => {
        if (steps === 0) return tf.zeros([path.channels, width])
        return tf.tidy(() => tf.transpose(tf.matMul(tf.tensor2d(values, [width, steps * count]), increments)))
      }
      return {
        initialWeight: denseGradient(at, atStart),
        initialBias: biasGradient(atStart),
        transitionWeight: gradientOf(transitions, hidden * block),
        driftWeight: gradientOf(drifts, hidden),
      }
    },
  }
}

/** All states, laid out as {@link runRecurrence} says, with what drove them. */
function statesOnCpu({ hidden, block }: Architecture, parameters: Parameters, path: ControlPath) {
  const { count, steps } = path
  const { at, increments } = uploadPath(path)
  const transposed = tf.transpose(increments) as tf.Tensor2D
  const product = (weight: tf.Tensor) =>
    steps === 0 ? new Float32Array(0) : readOnce(tf.matMul(tf.transpose(weight as tf.Tensor2D), transposed))
  const initial = readOnce(tf.transpose(dense(at, parameters.initialWeight, parameters.initialBias)))
  const transitions = product(parameters.transitionWeight)
  const drifts = product(parameters.driftWeight)
  const states = runRecurrence({ steps, count, hidden, block }, initial, transitions, drifts)
  return { at, increments, states, transitions, drifts }
}

/** h(T), `[count, hidden]`. */
function finalState({ steps, count, hidden }: RecurrenceSize, states: Float32Array): tf.Tensor2D {
  return tf.tidy(() => {
    const all = tf.tensor3d(states, [hidden, steps + 1, count])
    return tf.transpose(tf.reshape(tf.slice3d(all, [0, steps, 0], [hidden, 1, count]), [hidden, count])) as tf.Tensor2D
  })
}

/** The numbers of a tensor, which is freed. Not inside a tidy of its own: that looks for tensors among all numbers it returns. */
function readOnce(tensor: tf.Tensor): Float32Array {
  const values = tensor.dataSync() as Float32Array
  tensor.dispose()
  return values
}

/** On a GPU, whose values cannot be read before they are waited for, the gradient is TensorFlow.js's own. */
function recordOnDevice(architecture: Architecture, parameters: Parameters, path: ControlPath): Encoded {
  const names = Object.keys(linearEncoder.shapes(architecture))
  const encode = (...values: tf.Tensor[]) =>
    linearEncoder.encode(architecture, Object.fromEntries(names.map((name, i) => [name, values[i]])), path)
  const values = names.map((name) => parameters[name])
  return {
    state: encode(...values),
    pullback(cotangent) {
      const gradients = tf.grads(encode)(values, cotangent)
      return Object.fromEntries(names.map((name, i) => [name, gradients[i]]))
    },
  }
}
