import * as tf from '@tensorflow/tfjs'
import type { Parameters } from '../classifier/encoder.ts'
import type { FieldCotangents, FieldTape } from './vector-field.ts'

/**
 * Rows that a weight gradient's product is formed over. Fewer, and the products of small batches cost more in being
 * started than in being done; many more, and the wasm backend's product falls to a third of its speed because its
 * operands leave the cache.
 */
const ROWS = 256

/** Sums the gradients of the field's weights over evaluations, while what each left behind is still in the cache. */
export interface WeightGradients {
  /** Takes over the tensors of one evaluation and frees them when they are summed. */
  add(tape: FieldTape, cotangents: Omit<FieldCotangents, 'state'>): void
  /** The gradients by the parameters' names, once; zeros where the field was never evaluated. */
  finish(parameters: Parameters): Parameters
}

const FIELD = ['innerWeight', 'innerBias', 'outerWeight', 'outerBias'] as const

/** Sums on the way, in terms of the tapes' sigmoids; biases as rows, `[1, ...]`. */
type Sums = Record<(typeof FIELD)[number], tf.Tensor>

interface Evaluation {
  readonly tape: FieldTape
  readonly cotangents: Omit<FieldCotangents, 'state'>
}

/** Starts from nothing. The tensors that it holds are the caller's `tf.tidy`'s to free if it is left unfinished. */
export function weightGradients(): WeightGradients {
  let waiting: Evaluation[] = []
  let rows = 0
  let sums: Sums | undefined

  const flush = () => {
    const before = sums
    const summed = tf.tidy(() => addUp(products(waiting), before))
    if (before) tf.dispose(Object.values(before))
    for (const { tape, cotangents } of waiting) {
      tf.dispose([tape.state, tape.inner, tape.outer, cotangents.inner, cotangents.outer])
    }
    sums = summed
    waiting = []
    rows = 0
  }

  return {
    add(tape, cotangents) {
      waiting.push({ tape, cotangents })
      rows += tape.state.shape[0]
      if (rows >= ROWS) flush()
    },
    finish(parameters) {
      if (waiting.length > 0) flush()
      if (!sums) return Object.fromEntries(FIELD.map((name) => [name, tf.zerosLike(parameters[name])]))
      const { innerWeight, innerBias, outerWeight, outerBias } = sums
      // The inner activations are 2 s1 - 1, and 1^T times the outer cotangents is the gradient of the outer bias.
      return {
        innerWeight,
        innerBias: tf.reshape(innerBias, [-1]),
        outerWeight: tf.sub(tf.mul(outerWeight, 2), outerBias),
        outerBias: tf.reshape(outerBias, [-1]),
      }
    },
  }
}

/** Input^T times cotangents of both layers, the evaluations laid side by side. */
function products(evaluations: readonly Evaluation[]): Sums {
  const transposed = (parts: tf.Tensor2D[]) =>
    joined(
      parts.map((part) => tf.transpose(part)),
      1,
    )
  const inner = joined(
    evaluations.map(({ cotangents }) => cotangents.inner),
    0,
  )
  const outer = joined(
    evaluations.map(({ cotangents }) => cotangents.outer),
    0,
  )
  const ones = tf.ones([1, inner.shape[0]]) as tf.Tensor2D
  return {
    innerWeight: tf.matMul(transposed(evaluations.map(({ tape }) => tape.state)), inner),
    innerBias: tf.matMul(ones, inner),
    outerWeight: tf.matMul(transposed(evaluations.map(({ tape }) => tape.inner)), outer),
    outerBias: tf.matMul(ones, outer),
  }
}

const joined = (parts: tf.Tensor2D[], axis: number) => (parts.length === 1 ? parts[0] : tf.concat(parts, axis))

function addUp(a: Sums, b: Sums | undefined): Sums {
  if (!b) return a
  return {
    innerWeight: tf.add(a.innerWeight, b.innerWeight),
    innerBias: tf.add(a.innerBias, b.innerBias),
    outerWeight: tf.add(a.outerWeight, b.outerWeight),
    outerBias: tf.add(a.outerBias, b.outerBias),
  }
}
