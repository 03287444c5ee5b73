import * as tf from '@tensorflow/tfjs'
import { type Architecture, drivingChannels } from '../classifier/architecture.ts'
import type { ControlPath } from '../classifier/control-path.ts'
import { biasGradient, dense, denseGradient } from '../classifier/dense.ts'
import type { Encoder, Parameters } from '../classifier/encoder.ts'
import { SOLVERS } from './solver.ts'
import {
  evaluateField,
  type FieldCotangents,
  type FieldTape,
  type FieldWeights,
  fieldWeights,
  type Increment,
  pullbackField,
  type TransposedWeights,
  transposedWeights,
} from './vector-field.ts'
import { type WeightGradients, weightGradients } from './weight-gradients.ts'

/** The plain neural CDE: h(0) = X(0) W + b, dh = f(h) dX with f a network (Kidger et al. 2020, equation 4). */
export const plainEncoder: Encoder = {
  shapes(architecture) {
    const { hidden, width } = architecture
    const path = drivingChannels(architecture)
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
        const gradients = weightGradients()
        const transposed = transposedWeights(parameters, weights)
        const atStart = pullBack(architecture, transposed, increments, tapes, cotangent, gradients)
        return {
          initialWeight: denseGradient(start.at, atStart),
          initialBias: biasGradient(atStart),
          ...gradients.finish(parameters),
        }
      },
    }
  },
}

function initialState(parameters: Parameters, path: ControlPath): { at: tf.Tensor2D; state: tf.Tensor2D } {
  const at = tf.tensor2d(path.initial, [path.count, path.channels])
  return { at, state: dense(at, parameters.initialWeight, parameters.initialBias) }
}

/** The path's increments, one entry a step. */
function uploadIncrements({ count, channels, steps, increments }: ControlPath): Increment[] {
  const size = count * channels
  return Array.from({ length: steps }, (_, step) => {
    const doubled = increments.slice(step * size, (step + 1) * size)
    const sum = new Float32Array(count)
    for (let n = 0; n < count; n++) {
      for (let at = n * channels; at < (n + 1) * channels; at++) {
        sum[n] += doubled[at]
        doubled[at] *= 2
      }
    }
    return { doubled: tf.tensor3d(doubled, [count, 1, channels]), sum: tf.tensor2d(sum, [count, 1]) }
  })
}

/** scale * a, without the product where scale is 1. */
const scaled = (a: tf.Tensor2D, scale: number): tf.Tensor2D => (scale === 1 ? a : tf.mul(a, scale))

/** a + scale * b. */
const addScaled = (a: tf.Tensor2D, b: tf.Tensor2D, scale: number): tf.Tensor2D => tf.add(a, scaled(b, scale))

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
  increments: readonly Increment[],
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
 * Discretise-then-optimise: runs the solver's steps backwards, and frees each tape once it has been used.
 *
 * @param cotangent gradient at h(T), `[B, H]`
 * @param gradients receives what every evaluation of the field adds to the gradients of its weights
 * @returns gradient at h(0), `[B, H]`
 */
function pullBack(
  architecture: Architecture,
  transposed: TransposedWeights,
  increments: readonly Increment[],
  tapes: readonly FieldTape[],
  cotangent: tf.Tensor2D,
  gradients: WeightGradients,
): tf.Tensor2D {
  const { a, b } = SOLVERS[architecture.solver]
  const stages = b.length
  const [batch, hidden] = cotangent.shape
  let atState = cotangent
  for (let step = increments.length - 1; step >= 0; step--) {
    const after = atState
    const pulled = tf.tidy(() => {
      const atStage = new Array<tf.Tensor2D>(stages)
      const outgoing = new Array<Omit<FieldCotangents, 'state'>>(stages)
      for (let i = stages - 1; i >= 0; i--) {
        // Doubled, as the field's pullback wants it.
        let atChange = scaled(after, 2 * b[i])
        for (let j = i + 1; j < stages; j++) {
          const weight = (a[j] as readonly number[])[i]
          if (weight) atChange = addScaled(atChange, atStage[j], 2 * weight)
        }
        const rows = tf.reshape(atChange, [batch, 1, hidden]) as tf.Tensor3D
        const { state, ...layers } = pullbackField(transposed, tapes[step * stages + i], increments[step], rows)
        atStage[i] = state
        outgoing[i] = layers
      }
      return { state: atStage.reduce((sum, gradient) => tf.add(sum, gradient) as tf.Tensor2D, after), outgoing }
    })
    atState = pulled.state
    if (after !== cotangent) after.dispose()
    for (let i = 0; i < stages; i++) gradients.add(tapes[step * stages + i], pulled.outgoing[i])
  }
  return atState
}
