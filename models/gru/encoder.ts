import * as tf from '@tensorflow/tfjs'
import { drivingChannels } from '../classifier/architecture.ts'
import type { ControlPath } from '../classifier/control-path.ts'
import { biasGradient, dense, denseGradient, fastTanh, slopeOfTanh } from '../classifier/dense.ts'
import type { Encoder, Parameters } from '../classifier/encoder.ts'
import { readingSize, readings } from './readings.ts'

/**
 * A gated recurrent unit (Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder", equations 5 to 8:
 * the reset gate acts on h before its product), from h = 0, one knot after the other. The yardstick of the neural CDEs:
 * same hidden size, same paths, same read-out.
 */
export const gruEncoder: Encoder = {
  shapes(architecture) {
    const { hidden } = architecture
    const reading = readingSize(drivingChannels(architecture))
    return {
      // [r, z] = sigmoid(x W + h U + b)
      gateInputWeight: [reading, 2 * hidden],
      gateStateWeight: [hidden, 2 * hidden],
      gateBias: [2 * hidden],
      // c = tanh(x W + (r h) U + b), h' = z h + (1 - z) c
      candidateInputWeight: [reading, hidden],
      candidateStateWeight: [hidden, hidden],
      candidateBias: [hidden],
    }
  },

  encode: (_, parameters, path) => run(parameters, path),

  record(_, parameters, path) {
    const tapes: Tape[] = []
    const state = run(parameters, path, tapes)
    return { state, pullback: (cotangent) => pullBack(parameters, path, tapes, cotangent) }
  },
}

/** What a knot leaves behind for its pullback, `[B, H]` each. */
type Tape = {
  /** h before the knot. */
  readonly state: tf.Tensor2D
  readonly reset: tf.Tensor2D
  readonly update: tf.Tensor2D
  /** r h */
  readonly kept: tf.Tensor2D
  readonly candidate: tf.Tensor2D
}

/** All readings as one tensor, `[knots * B, P + 1]`. */
function uploadReadings(path: ControlPath): tf.Tensor2D {
  return tf.tensor2d(readings(path), [(path.steps + 1) * path.count, readingSize(path.channels)])
}

/** h(T), `[B, H]`; `tapes` receives a tape a knot, without it states are freed on the way. */
function run(parameters: Parameters, path: ControlPath, tapes?: Tape[]): tf.Tensor2D {
  const { count } = path
  const { gateStateWeight, candidateStateWeight } = parameters as Record<string, tf.Tensor2D>
  const hidden = candidateStateWeight.shape[0]
  const inputs = uploadReadings(path)
  // What the gates take from the readings of all knots is one product.
  const toGates = dense(inputs, parameters.gateInputWeight, parameters.gateBias)
  const toCandidates = dense(inputs, parameters.candidateInputWeight, parameters.candidateBias)
  let state = tf.zeros([count, hidden]) as tf.Tensor2D
  for (let knot = 0; knot <= path.steps; knot++) {
    const before = state
    const rows = (of: tf.Tensor2D, width: number) => tf.slice2d(of, [knot * count, 0], [count, width])
    const { next, tape } = tf.tidy(() => {
      const gates = tf.sigmoid(tf.add(rows(toGates, 2 * hidden), tf.matMul(before, gateStateWeight)))
      const [reset, update] = tf.split<tf.Tensor2D>(gates, 2, 1)
      const kept = tf.mul(reset, before) as tf.Tensor2D
      const candidate = fastTanh(
        tf.add(rows(toCandidates, hidden), tf.matMul(kept, candidateStateWeight)) as tf.Tensor2D,
      )
      const next = tf.add(candidate, tf.mul(update, tf.sub(before, candidate))) as tf.Tensor2D
      return { next, tape: tapes && { state: before, reset, update, kept, candidate } }
    })
    state = next
    if (tapes && tape) tapes.push(tape)
    else before.dispose()
  }
  return state
}

/** Pulls the gradient at h(T), `[B, H]`, back through the knots to the parameters. */
function pullBack(
  parameters: Parameters,
  path: ControlPath,
  tapes: readonly Tape[],
  cotangent: tf.Tensor2D,
): Parameters {
  const gatesBack = tf.transpose(parameters.gateStateWeight as tf.Tensor2D)
  const candidateBack = tf.transpose(parameters.candidateStateWeight as tf.Tensor2D)
  const atGates: tf.Tensor2D[] = new Array(tapes.length)
  const atCandidates: tf.Tensor2D[] = new Array(tapes.length)
  let atState = cotangent
  for (let knot = tapes.length - 1; knot >= 0; knot--) {
    const { state, reset, update, candidate } = tapes[knot]
    const pulled = tf.tidy(() => {
      const toCandidate = tf.mul(atState, tf.sub(1, update))
      const atCandidate = tf.mul(toCandidate, slopeOfTanh(candidate)) as tf.Tensor2D
      const atKept = tf.matMul(atCandidate, candidateBack)
      const atReset = tf.mul(tf.mul(atKept, state), slopeOfSigmoid(reset)) as tf.Tensor2D
      const atUpdate = tf.mul(tf.mul(atState, tf.sub(state, candidate)), slopeOfSigmoid(update)) as tf.Tensor2D
      const atGate = tf.concat([atReset, atUpdate], 1)
      const through = tf.add(tf.mul(atState, update), tf.mul(atKept, reset))
      return { atState: tf.add(through, tf.matMul(atGate, gatesBack)) as tf.Tensor2D, atGate, atCandidate }
    })
    atState = pulled.atState
    atGates[knot] = pulled.atGate
    atCandidates[knot] = pulled.atCandidate
  }
  const gates = tf.concat(atGates)
  const candidates = tf.concat(atCandidates)
  const inputs = uploadReadings(path)
  return {
    gateInputWeight: denseGradient(inputs, gates),
    gateStateWeight: denseGradient(tf.concat(tapes.map((tape) => tape.state)), gates),
    gateBias: biasGradient(gates),
    candidateInputWeight: denseGradient(inputs, candidates),
    candidateStateWeight: denseGradient(tf.concat(tapes.map((tape) => tape.kept)), candidates),
    candidateBias: biasGradient(candidates),
  }
}

/** Derivative of the logistic function where it has the value `value`. */
function slopeOfSigmoid(value: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.mul(value, tf.sub(1, value)) as tf.Tensor2D)
}
