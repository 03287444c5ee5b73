import * as tf from '@tensorflow/tfjs'
import { type Architecture, pathChannels } from '../classifier/architecture.ts'
import type { ControlPath } from '../classifier/control-path.ts'
import { biasGradient, dense, denseGradient } from '../classifier/dense.ts'
import type { Encoder, Parameters } from '../classifier/encoder.ts'
import { SOLVERS } from './solver.ts'
import {
  evaluateField,
  type FieldCotangents,
  type FieldTape,
  type FieldWeights,
  fieldWeightGradients,
  pullbackField,
} from './vector-field.ts'

/** The plain neural CDE: h(0) = X(0) W + b, dh = f(h) dX with f a network (Kidger et al. 2020, equation 4). */
export const plainEncoder: Encoder = {
  shapes(architecture) {
    const { hidden, width } = architecture
    const path = pathChannels(architecture)
    return {
      // h(0) = X(0) W + b
      initialWeight: [path, hidden],
      initialBias: [hidden],
      // f(h) = tanh(tanh(h W1 + b1) W2 + b2), read as a [P, H] matrix
      innerWeight: [hidden, width],
      innerBias: [width],
      outerWeight: [width, path * hidden],
      outerBias: [path * hidden],
    }
  },

  // The state starts calm: a field of full size drives h into the saturation of everything behind it.
  initialScale: (name) => (name === 'outerWeight' ? 0.1 : 1),

  encode(architecture, parameters, path) {
    return solve(architecture, fieldWeights(parameters), initialState(parameters, path).state, uploadIncrements(path))
  },

  record(architecture, parameters, path) {
    const increments = uploadIncrements(path)
    const tapes: FieldTape[] = []
    const weights = fieldWeights(parameters)
    const start = initialState(parameters, path)
    const state = solve(architecture, weights, start.state, increments, tapes)
    return {
      state,
      pullback(cotangent) {
        const transposed = {
          ...weights,
          innerTransposed: tf.transpose(weights.innerWeight),
          outerTransposed: tf.transpose(weights.outerWeight),
        }
        const pulled = pullBack(architecture, transposed, increments, tapes, cotangent)
        return {
          initialWeight: denseGradient(start.at, pulled.start),
          initialBias: biasGradient(pulled.start),
          ...fieldWeightGradients(tapes, pulled.cotangents),
        }
      },
    }
  },
}

function fieldWeights(parameters: Parameters): FieldWeights {
  return {
    innerWeight: parameters.innerWeight as tf.Tensor2D,
    innerBias: parameters.innerBias as tf.Tensor1D,
    outerWeight: parameters.outerWeight as tf.Tensor2D,
    outerBias: parameters.outerBias as tf.Tensor1D,
  }
}

function initialState(parameters: Parameters, path: ControlPath): { at: tf.Tensor2D; state: tf.Tensor2D } {
  const at = tf.tensor2d(path.initial, [path.count, path.channels])
  return { at, state: dense(at, parameters.initialWeight, parameters.initialBias) }
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
  architecture: Architecture,
  weights: FieldWeights,
  start: tf.Tensor2D,
  increments: readonly tf.Tensor2D[],
  tapes?: FieldTape[],
): tf.Tensor2D {
  const { a, b } = SOLVERS[architecture.solver]
  let state = start
  for (const increment of increments) {
    const before = state
    const step = tf.tidy(() => {
      const changes: tf.Tensor2D[] = []
      const taped: FieldTape[] = []
      for (const row of a) {
        const at = row.reduce((sum, weight, j) => addScaled(sum, changes[j], weight), before)
        const { change, tape } = evaluateField(weights, at, increment)
        if (tapes) taped.push(tape)
        changes.push(change)
      }
      // What is returned survives: the tapes are freed by the caller's tidy.
      return { state: b.reduce((sum, weight, i) => addScaled(sum, changes[i], weight), before), taped }
    })
    state = step.state
    if (tapes) tapes.push(...step.taped)
    else if (before !== start) before.dispose()
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
  architecture: Architecture,
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
    const pulled = tf.tidy(() => {
      const atStage = new Array<tf.Tensor2D>(stages)
      const outgoing = new Array<FieldCotangents>(stages)
      for (let i = stages - 1; i >= 0; i--) {
        let atChange = tf.mul(atState, b[i]) as tf.Tensor2D
        for (let j = i + 1; j < stages; j++) {
          const weight = (a[j] as readonly number[])[i]
          if (weight) atChange = addScaled(atChange, atStage[j], weight)
        }
        const back = pullbackField(weights, tapes[step * stages + i], increments[step], atChange)
        outgoing[i] = back.cotangents
        atStage[i] = back.state
      }
      return { state: atStage.reduce((sum, gradient) => tf.add(sum, gradient) as tf.Tensor2D, atState), outgoing }
    })
    atState = pulled.state
    for (let i = 0; i < stages; i++) cotangents[step * stages + i] = pulled.outgoing[i]
  }
  return { start: atState, cotangents }
}
