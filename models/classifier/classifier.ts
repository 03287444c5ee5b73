import * as tf from '@tensorflow/tfjs'
import { REGIMES } from '../regime.ts'
import type { Architecture } from './architecture.ts'
import type { ControlPath } from './control-path.ts'
import type { Parameters } from './encoder.ts'
import { encoders } from './encoders.ts'
import { type ParameterVector, parameterShapes, splitParameters } from './parameters.ts'
import { pullbackReadOut, readOut } from './read-out.ts'

/** Targets of a batch and how its samples count. */
export interface Targets {
  /** Target probabilities (one-hot, smoothed), `[count, 3]`. */
  readonly probabilities: Float32Array
  /** Weight of each sample in the loss, `[count]`. */
  readonly weights: Float32Array
  /** Dropout on h(T): 0 or 1 / (1 - rate), `[count, hidden]`; absent for none. */
  readonly dropout?: Float32Array
}

function uploadParameters(architecture: Architecture, vector: ParameterVector): Parameters {
  const tensors: Parameters = {}
  for (const [name, { shape, values }] of Object.entries(splitParameters(architecture, vector))) {
    tensors[name] = tf.tensor(values, shape, 'float32')
  }
  return tensors
}

/** Logits of regimes as a differentiable function of the parameters: what the tests hold the gradient against. */
export function regimeLogits(architecture: Architecture, parameters: Parameters, path: ControlPath): tf.Tensor2D {
  return tf.tidy(() => {
    const state = encoders[architecture.encoder].encode(architecture, parameters, path)
    return readOut(architecture, parameters, state, path).logits
  })
}

/** h(T) where no gradient is asked for. */
function inferState(architecture: Architecture, parameters: Parameters, path: ControlPath): tf.Tensor2D {
  const { infer, encode } = encoders[architecture.encoder]
  return (infer ?? encode)(architecture, parameters, path)
}

/** Regime probabilities of a batch of control paths, `[count, 3]`. */
export async function regimeProbabilities(
  architecture: Architecture,
  vector: ParameterVector,
  path: ControlPath,
): Promise<Float32Array> {
  const result = tf.tidy(() => {
    const parameters = uploadParameters(architecture, vector)
    return tf.softmax(readOut(architecture, parameters, inferState(architecture, parameters, path), path).logits)
  })
  return download(result)
}

/** Hidden states h(T) of a batch of control paths, `[count, hidden]`: what the novelty of a window is measured by. */
export async function hiddenStates(
  architecture: Architecture,
  vector: ParameterVector,
  path: ControlPath,
): Promise<Float32Array> {
  return download(tf.tidy(() => inferState(architecture, uploadParameters(architecture, vector), path)))
}

/**
 * Weighted cross-entropy of a batch and its gradient, by a hand-written backward pass.
 *
 * @returns the loss and the gradient, laid out like the parameter vector
 */
export async function lossAndGradient(
  architecture: Architecture,
  vector: ParameterVector,
  path: ControlPath,
  targets: Targets,
): Promise<{ loss: number; gradient: Float32Array }> {
  const flat = tf.tidy(() => {
    const parameters = uploadParameters(architecture, vector)
    const { state, pullback } = encoders[architecture.encoder].record(architecture, parameters, path)
    const dropout = targets.dropout && tf.tensor2d(targets.dropout, [path.count, architecture.hidden])
    const kept = dropout ? (tf.mul(state, dropout) as tf.Tensor2D) : state
    const read = readOut(architecture, parameters, kept, path)

    const wanted = tf.tensor2d(targets.probabilities, [path.count, REGIMES.length])
    const share = tf.tensor2d(targets.weights, [path.count, 1])
    const logProbabilities = tf.logSoftmax(read.logits)
    const loss = tf.neg(tf.sum(tf.mul(tf.mul(wanted, logProbabilities), share)))

    const atLogits = tf.mul(tf.sub(tf.exp(logProbabilities), wanted), share) as tf.Tensor2D
    const pulled = pullbackReadOut(architecture, parameters, read, atLogits)
    const atState = dropout ? (tf.mul(pulled.state, dropout) as tf.Tensor2D) : pulled.state
    const gradients: Parameters = { ...pullback(atState), ...pulled.gradients }
    const names = Object.keys(parameterShapes(architecture))
    return tf.concat([tf.reshape(loss, [1]), ...names.map((name) => tf.reshape(gradients[name], [-1]))])
  })
  const values = await download(flat)
  return { loss: values[0], gradient: values.subarray(1) }
}

async function download(tensor: tf.Tensor): Promise<Float32Array> {
  const values = (await tensor.data()) as Float32Array
  tensor.dispose()
  return values
}
