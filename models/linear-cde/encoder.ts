import * as tf from '@tensorflow/tfjs'
import { type Architecture, drivingChannels } from '../classifier/architecture.ts'
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
    const path = drivingChannels(architecture)
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
    const parts = partsOf(architecture, path)
    return finalState(architecture, parts, runParts(operandsOf(parameters, path), parameters, parts))
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

/** Numbers of A that are worked on at a time, over all steps and sequences: so many stay in a core's cache. */
const PART_NUMBERS = 2 ** 18

/** Some of the units, whole blocks of them; no block needs another. */
interface Part extends RecurrenceSize {
  readonly first: number
}

function partsOf({ hidden, block }: Architecture, { steps, count }: ControlPath): Part[] {
  const blocks = Math.max(1, Math.floor(PART_NUMBERS / (block * block * Math.max(1, steps) * count)))
  const parts: Part[] = []
  for (let first = 0; first < hidden; first += blocks * block) {
    parts.push({ first, hidden: Math.min(blocks * block, hidden - first), block, steps, count })
  }
  return parts
}

/** What is multiplied, laid out for products that have the increments, which are few, on their right: the backend repacks what stands there. */
interface Operands {
  /** X(0), `[count, P]`. */
  readonly at: tf.Tensor2D
  /** dX, `[steps * count, P]`, and its transpose. */
  readonly increments: tf.Tensor2D
  readonly columns: tf.Tensor2D
  /** The weights, transposed: `[hidden * block, P]` and `[hidden, P]`. */
  readonly transitionRows: tf.Tensor2D
  readonly driftRows: tf.Tensor2D
}

/** A and b of all steps for a part of the units, laid out as {@link runRecurrence} says. */
function driving({ columns, transitionRows, driftRows }: Operands, { first, hidden, block, steps }: Part) {
  const product = (rows: tf.Tensor2D, width: number) => {
    if (steps === 0) return new Float32Array(0)
    const size: [number, number] = [hidden * width, rows.shape[1]]
    return readOnce(tf.tidy(() => tf.matMul(tf.slice2d(rows, [first * width, 0], size), columns)))
  }
  return { transitions: product(transitionRows, block), drifts: product(driftRows, 1) }
}

/** All states, a part after the other, laid out as {@link runRecurrence} says. */
function runParts(operands: Operands, parameters: Parameters, parts: readonly Part[]): Float32Array[] {
  const initial = readOnce(
    tf.tidy(() => tf.transpose(dense(operands.at, parameters.initialWeight, parameters.initialBias))),
  )
  return parts.map((part) => {
    const { transitions, drifts } = driving(operands, part)
    const start = initial.subarray(part.first * part.count, (part.first + part.hidden) * part.count)
    return runRecurrence(part, start, transitions, drifts)
  })
}

function operandsOf(parameters: Parameters, path: ControlPath): Operands {
  const { at, increments } = uploadPath(path)
  return {
    at,
    increments,
    columns: tf.transpose(increments),
    transitionRows: tf.transpose(parameters.transitionWeight as tf.Tensor2D),
    driftRows: tf.transpose(parameters.driftWeight as tf.Tensor2D),
  }
}

/**
 * Large products as tensors, the recurrence between them over plain numbers: kernels of so few numbers a step cost more
 * to call than to run. A is made again on the way back: keeping it costs more than the product.
 */
function recordOnCpu(architecture: Architecture, parameters: Parameters, path: ControlPath): Encoded {
  const operands = operandsOf(parameters, path)
  const parts = partsOf(architecture, path)
  const states = runParts(operands, parameters, parts)
  return {
    state: finalState(architecture, parts, states),
    pullback(cotangent) {
      const { at, increments } = operands
      const { hidden } = architecture
      const { count, steps, channels } = path
      const gradients = readOnce(tf.tidy(() => tf.transpose(cotangent)))
      const gradientOf = (values: Float32Array, rows: number) => {
        if (steps === 0) return tf.zeros<tf.Rank.R2>([rows, channels])
        return tf.tidy(() => tf.matMul<tf.Tensor2D>(tf.tensor2d(values, [rows, steps * count]), increments))
      }
      const pulled = parts.map((part, i) => {
        const { transitions, drifts } = driving(operands, part)
        const own = gradients.subarray(part.first * count, (part.first + part.hidden) * count)
        pullBackRecurrence(part, states[i], transitions, drifts, own)
        return {
          transitions: gradientOf(transitions, part.hidden * part.block),
          drifts: gradientOf(drifts, part.hidden),
        }
      })
      const atStart = tf.transpose(tf.tensor2d(gradients, [hidden, count]))
      return {
        initialWeight: denseGradient(at, atStart),
        initialBias: biasGradient(atStart),
        transitionWeight: tf.transpose(tf.concat(pulled.map((part) => part.transitions))),
        driftWeight: tf.transpose(tf.concat(pulled.map((part) => part.drifts))),
      }
    },
  }
}

/** h(T), `[count, hidden]`. */
function finalState({ hidden }: Architecture, parts: readonly Part[], states: readonly Float32Array[]): tf.Tensor2D {
  const { steps, count } = parts[0]
  const final = new Float32Array(count * hidden)
  parts.forEach((part, i) => {
    for (let unit = 0; unit < part.hidden; unit++) {
      const last = (unit * (steps + 1) + steps) * count
      for (let n = 0; n < count; n++) final[n * hidden + part.first + unit] = states[i][last + n]
    }
  })
  return tf.tensor2d(final, [count, hidden])
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
