import * as tf from '@tensorflow/tfjs'
import { REGIMES } from '../regime.ts'
import { type CdeArchitecture, directionChannel } from './configuration.ts'
import { PARAMETERS, type ParameterName, type ParameterVector, splitParameters } from './parameters.ts'
import type { ControlPath } from './path.ts'
import { SOLVERS } from './solver.ts'
import {
  biasGradient,
  denseGradient,
  evaluateField,
  type FieldCotangents,
  type FieldTape,
  type FieldWeights,
  fastTanh,
  fieldWeightGradients,
  pullbackField,
  slopeOfTanh,
} from './vector-field.ts'

/** Targets of a batch and how its samples count. */
export interface CdeTargets {
  /** Target probabilities (one-hot, smoothed), `[count, 3]`. */
  readonly probabilities: Float32Array
  /** Weight of each sample in the loss, `[count]`. */
  readonly weights: Float32Array
  /** Dropout on h(T): 0 or 1 / (1 - rate), `[count, H]`; absent for none. */
  readonly dropout?: Float32Array
}

type Parameters = Record<ParameterName, tf.Tensor>

function uploadParameters(architecture: CdeArchitecture, vector: ParameterVector): Parameters {
  const tensors = {} as Parameters
  for (const [name, { shape, values }] of Object.entries(splitParameters(architecture, vector))) {
    tensors[name as ParameterName] = tf.tensor(values, shape, 'float32')
  }
  return tensors
}

function fieldWeights(parameters: Parameters): FieldWeights {
  return {
    innerWeight: parameters.innerWeight as tf.Tensor2D,
    innerBias: parameters.innerBias as tf.Tensor1D,
    outerWeight: parameters.outerWeight as tf.Tensor2D,
    outerBias: parameters.outerBias as tf.Tensor1D,
  }
}

/** The path's increments as one `[count, P]` tensor a step. */
function uploadIncrements(path: ControlPath): tf.Tensor2D[] {
  const size = path.count * path.channels
  return Array.from({ length: path.steps }, (_, step) =>
    tf.tensor2d(path.increments.subarray(step * size, (step + 1) * size), [path.count, path.channels]),
  )
}

/** a + scale * b, without the product where scale is 1. */
function addScaled(a: tf.Tensor2D, b: tf.Tensor2D, scale: number): tf.Tensor2D {
  return tf.tidy(() => tf.add(a, scale === 1 ? b : tf.mul(b, scale)))
}

/**
 * Solves dh = f(h) dX from h(0), one step a knot.
 *
 * @param tapes receives the tape of every evaluation in order, for {@link pullBack}; without it, states are freed on the way
 * @returns h(T), `[B, H]`
 */
function solve(
  architecture: CdeArchitecture,
  weights: FieldWeights,
  start: tf.Tensor2D,
  increments: readonly tf.Tensor2D[],
  tapes?: FieldTape[],
): tf.Tensor2D {
  const { a, b } = SOLVERS[architecture.solver]
  let state = start
  for (const increment of increments) {
    const before = state
    state = tf.tidy(() => {
      const changes: tf.Tensor2D[] = []
      for (const row of a) {
        const at = row.reduce((sum, weight, j) => addScaled(sum, changes[j], weight), before)
        const { change, tape } = evaluateField(weights, at, increment)
        if (tapes) tapes.push({ state: tf.keep(at), inner: tf.keep(tape.inner), field: tf.keep(tape.field) })
        changes.push(change)
      }
      return b.reduce((sum, weight, i) => addScaled(sum, changes[i], weight), before)
    })
    if (!tapes && before !== start) before.dispose()
  }
  return state
}

/**
 * Discretise-then-optimise: runs the solver's steps backwards.
 *
 * @param cotangent gradient at h(T), `[B, H]`
 * @returns gradient at h(0) and at every evaluation of the field, in the order of `tapes`
 */
function pullBack(
  architecture: CdeArchitecture,
  weights: Required<FieldWeights>,
  increments: readonly tf.Tensor2D[],
  tapes: readonly FieldTape[],
  cotangent: tf.Tensor2D,
): { start: tf.Tensor2D; cotangents: FieldCotangents[] } {
  const { a, b } = SOLVERS[architecture.solver]
  const stages = b.length
  const cotangents = new Array<FieldCotangents>(tapes.length)
  let atState = cotangent
  for (let step = increments.length - 1; step >= 0; step--) {
    atState = tf.tidy(() => {
      const atStage = new Array<tf.Tensor2D>(stages)
      for (let i = stages - 1; i >= 0; i--) {
        let atChange = tf.mul(atState, b[i]) as tf.Tensor2D
        for (let j = i + 1; j < stages; j++) {
          const weight = (a[j] as readonly number[])[i]
          if (weight) atChange = addScaled(atChange, atStage[j], weight)
        }
        const index = step * stages + i
        const pulled = pullbackField(weights, tapes[index], increments[step], atChange)
        cotangents[index] = { inner: tf.keep(pulled.cotangents.inner), outer: tf.keep(pulled.cotangents.outer) }
        atStage[i] = pulled.state
      }
      return atStage.reduce((sum, gradient) => tf.add(sum, gradient) as tf.Tensor2D, atState)
    })
  }
  return { start: atState, cotangents }
}

function initialState(parameters: Parameters, path: ControlPath): { at: tf.Tensor2D; state: tf.Tensor2D } {
  const at = tf.tensor2d(path.initial, [path.count, path.channels])
  const state = tf.add(tf.matMul(at, parameters.initialWeight as tf.Tensor2D), parameters.initialBias) as tf.Tensor2D
  return { at, state }
}

/** Sign of the direction channel at X(T), `[count, 1]`; 1 where the model has no such channel. */
function directions(architecture: CdeArchitecture, path: ControlPath): tf.Tensor2D {
  const channel = directionChannel(architecture)
  const signs = new Float32Array(path.count).fill(1)
  if (channel >= 0) for (let n = 0; n < path.count; n++) signs[n] = Math.sign(path.final[n * path.channels + channel])
  return tf.tensor2d(signs, [path.count, 1])
}

/**
 * The read-out layer. Trend and reversal are about whether the market goes on in its direction, which is a product
 * of what was learned and that direction: the layer sees h(T) and X(T) as they are and turned into it, instead of having
 * to learn the product.
 */
function readOut(architecture: CdeArchitecture, parameters: Parameters, state: tf.Tensor2D, path: ControlPath) {
  const direction = directions(architecture, path)
  const upright = tf.concat([state, tf.tensor2d(path.final, [path.count, path.channels])], 1)
  const input = tf.concat([upright, tf.mul(upright, direction) as tf.Tensor2D], 1)
  const layer = fastTanh(
    tf.add(tf.matMul(input, parameters.readoutWeight as tf.Tensor2D), parameters.readoutBias) as tf.Tensor2D,
  )
  const logits = tf.add(tf.matMul(layer, parameters.logitWeight as tf.Tensor2D), parameters.logitBias) as tf.Tensor2D
  return { direction, input, layer, logits }
}

/** Logits of regimes as a differentiable function of its parameters: what the tests hold the gradient against. */
export function cdeLogits(architecture: CdeArchitecture, parameters: Parameters, path: ControlPath): tf.Tensor2D {
  return tf.tidy(() => {
    const { state } = initialState(parameters, path)
    const final = solve(architecture, fieldWeights(parameters), state, uploadIncrements(path))
    return readOut(architecture, parameters, final, path).logits
  })
}

/** Regime probabilities of a batch of control paths, `[count, 3]`. */
export async function cdeProbabilities(
  architecture: CdeArchitecture,
  vector: ParameterVector,
  path: ControlPath,
): Promise<Float32Array> {
  const result = tf.tidy(() => tf.softmax(cdeLogits(architecture, uploadParameters(architecture, vector), path)))
  const probabilities = (await result.data()) as Float32Array
  result.dispose()
  return probabilities
}

/**
 * Weighted cross-entropy of a batch and its gradient, by a hand-written backward pass.
 *
 * @returns the loss and the gradient, laid out like the parameter vector
 */
export async function cdeLossAndGradient(
  architecture: CdeArchitecture,
  vector: ParameterVector,
  path: ControlPath,
  targets: CdeTargets,
): Promise<{ loss: number; gradient: Float32Array }> {
  const kept: tf.Tensor[] = []
  const flat = tf.tidy(() => {
    const parameters = uploadParameters(architecture, vector)
    const increments = uploadIncrements(path)
    const tapes: FieldTape[] = []
    const start = initialState(parameters, path)
    const final = solve(architecture, fieldWeights(parameters), start.state, increments, tapes)
    const dropout = targets.dropout && tf.tensor2d(targets.dropout, [path.count, architecture.hidden])
    const read = readOut(architecture, parameters, dropout ? (tf.mul(final, dropout) as tf.Tensor2D) : final, path)

    const wanted = tf.tensor2d(targets.probabilities, [path.count, REGIMES.length])
    const share = tf.tensor2d(targets.weights, [path.count, 1])
    const logProbabilities = tf.logSoftmax(read.logits)
    const loss = tf.neg(tf.sum(tf.mul(tf.mul(wanted, logProbabilities), share)))

    const atLogits = tf.mul(tf.sub(tf.exp(logProbabilities), wanted), share) as tf.Tensor2D
    const atLayer = tf.mul(
      tf.matMul(atLogits, tf.transpose(parameters.logitWeight as tf.Tensor2D)),
      slopeOfTanh(read.layer),
    ) as tf.Tensor2D
    const atInput = tf.matMul(atLayer, tf.transpose(parameters.readoutWeight as tf.Tensor2D))
    const size: [number, number] = [path.count, architecture.hidden]
    const upright = tf.slice2d(atInput as tf.Tensor2D, [0, 0], size)
    const turned = tf.slice2d(atInput as tf.Tensor2D, [0, architecture.hidden + path.channels], size)
    const atFinal = tf.add(upright, tf.mul(turned, read.direction)) as tf.Tensor2D
    const field = fieldWeights(parameters)
    const transposed = {
      ...field,
      innerTransposed: tf.transpose(field.innerWeight),
      outerTransposed: tf.transpose(field.outerWeight),
    }
    const atState = dropout ? (tf.mul(atFinal, dropout) as tf.Tensor2D) : atFinal
    const pulled = pullBack(architecture, transposed, increments, tapes, atState)
    for (const tape of tapes) kept.push(tape.state, tape.inner, tape.field)
    for (const cotangent of pulled.cotangents) kept.push(cotangent.inner, cotangent.outer)

    const gradients: Record<ParameterName, tf.Tensor> = {
      initialWeight: denseGradient(start.at, pulled.start),
      initialBias: biasGradient(pulled.start),
      ...fieldWeightGradients(tapes, pulled.cotangents),
      readoutWeight: denseGradient(read.input, atLayer),
      readoutBias: biasGradient(atLayer),
      logitWeight: denseGradient(read.layer, atLogits),
      logitBias: biasGradient(atLogits),
    }
    return tf.concat([tf.reshape(loss, [1]), ...PARAMETERS.map((name) => tf.reshape(gradients[name], [-1]))])
  })
  tf.dispose(kept)
  const values = (await flat.data()) as Float32Array
  flat.dispose()
  return { loss: values[0], gradient: values.subarray(1) }
}
