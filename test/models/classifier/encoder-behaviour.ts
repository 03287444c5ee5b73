import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { selectBackend } from '#models/backend.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { hiddenStates } from '#models/classifier/classifier.ts'
import { type ControlPath, controlPath } from '#models/classifier/control-path.ts'
import { encoders } from '#models/classifier/encoders.ts'
import { initialiseParameters, splitParameters } from '#models/classifier/parameters.ts'
import { randomWindows, SCALING } from './cases.ts'

/** h(T) of one control path in float64: `parameters` by name, `knots` the increments of the path with X(0) before them. */
export type ReferenceState = (parameters: Record<string, Float64Array>, knots: readonly Float64Array[]) => number[]

function relativeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let difference = 0
  let size = 0
  for (let i = 0; i < b.length; i++) {
    difference += (a[i] - b[i]) ** 2
    size += b[i] ** 2
  }
  return Math.sqrt(difference / size)
}

function knotsOf({ count, steps, channels, initial, increments }: ControlPath, n: number): Float64Array[] {
  const row = (of: Float32Array, at: number) => Float64Array.from(of.subarray(at * channels, (at + 1) * channels))
  return [row(initial, n), ...Array.from({ length: steps }, (_, step) => row(increments, step * count + n))]
}

/** What every encoder must do, held against a reference in float64 that was written for the test. */
export function describeEncoder(name: string, architecture: Architecture, reference: ReferenceState): void {
  const encoder = encoders[architecture.encoder]
  const names = Object.keys(encoder.shapes(architecture))

  function randomCase(knots = architecture.knots, count = 5) {
    const random = createRandom(11)
    const path = controlPath(randomWindows(random, count, knots), architecture, SCALING)
    const vector = initialiseParameters(architecture, random)
    for (let i = 0; i < vector.length; i++) vector[i] += 0.1 * random.normal()
    const cotangent = Float32Array.from({ length: count * architecture.hidden }, () => random.normal())
    return { path, vector, cotangent }
  }

  function tensorsOf(vector: Float32Array) {
    const views = splitParameters(architecture, vector)
    return names.map((parameter) => tf.tensor(views[parameter].values, views[parameter].shape))
  }

  const named = (tensors: readonly tf.Tensor[]) => Object.fromEntries(names.map((key, i) => [key, tensors[i]]))

  /** Gradient of the sum of h(T) times the cotangent, by the encoder's own pullback. */
  function ownGradient({ path, vector, cotangent }: ReturnType<typeof randomCase>): Float32Array {
    return tf
      .tidy(() => {
        const { pullback } = encoder.record(architecture, named(tensorsOf(vector)), path)
        const gradients = pullback(tf.tensor2d(cotangent, [path.count, architecture.hidden]))
        return tf.concat(names.map((key) => tf.reshape(gradients[key], [-1])))
      })
      .dataSync() as Float32Array
  }

  describe(name, () => {
    beforeAll(async () => {
      await selectBackend('wasm')
    })

    it.each([1, 2, architecture.knots])('ends in the state of a float64 reference after %i knots', async (knots) => {
      const { path, vector } = randomCase(knots)
      const states = await hiddenStates(architecture, vector, path)
      const encoded = tf.tidy(() =>
        encoder
          .encode(architecture, named(tensorsOf(vector)), path)
          .dataSync()
          .slice(0),
      )
      const recorded = tf.tidy(() =>
        encoder
          .record(architecture, named(tensorsOf(vector)), path)
          .state.dataSync()
          .slice(0),
      )
      const views = splitParameters(architecture, vector)
      const exact = Object.fromEntries(names.map((key) => [key, Float64Array.from(views[key].values)]))
      const expected = Array.from({ length: path.count }, (_, n) => reference(exact, knotsOf(path, n))).flat()
      for (const found of [states, encoded, recorded]) expect(relativeDistance(found, expected)).toBeLessThan(1e-6)
    })

    it.each([2, architecture.knots])('has the gradient of automatic differentiation over %i knots', (knots) => {
      const one = randomCase(knots)
      const automatic = tf.tidy(() => {
        const gradients = tf.grads((...inputs: tf.Tensor[]) => encoder.encode(architecture, named(inputs), one.path))(
          tensorsOf(one.vector),
          tf.tensor2d(one.cotangent, [one.path.count, architecture.hidden]),
        )
        return tf.concat(gradients.map((gradient) => tf.reshape(gradient, [-1])))
      })
      expect(relativeDistance(ownGradient(one), automatic.dataSync())).toBeLessThan(1e-5)
    })

    it.each([1, architecture.knots])('has the gradient of central differences in float64 over %i knots', (knots) => {
      const one = randomCase(knots)
      const views = splitParameters(architecture, one.vector)
      const exact = Object.fromEntries(names.map((key) => [key, Float64Array.from(views[key].values)]))
      const value = () => {
        let sum = 0
        for (let n = 0; n < one.path.count; n++) {
          const state = reference(exact, knotsOf(one.path, n))
          for (let h = 0; h < state.length; h++) sum += state[h] * one.cotangent[n * state.length + h]
        }
        return sum
      }
      const step = 1e-5
      const numeric = names.flatMap((key) =>
        Array.from(exact[key], (middle, i) => {
          exact[key][i] = middle + step
          const above = value()
          exact[key][i] = middle - step
          const below = value()
          exact[key][i] = middle
          return (above - below) / (2 * step)
        }),
      )
      expect(relativeDistance(ownGradient(one), numeric)).toBeLessThan(1e-5)
    })

    it('leaves no tensor behind', async () => {
      const one = randomCase()
      const work = async () => {
        await hiddenStates(architecture, one.vector, one.path)
        tf.tidy(() => void ownGradient(one))
      }
      await work()
      const before = tf.memory().numTensors
      await work()
      expect(tf.memory().numTensors).toBe(before)
    })

    it('stays finite, and so does its gradient, where every knot jumps from one end of the clipped range to the other', async () => {
      const windows = randomWindows(createRandom(1), 4, 48, 0)
      const jumping = windows.features.map((_, i) => (Math.floor(i / 4) % 2 ? 1e6 : -1e6))
      const path = controlPath({ ...windows, features: jumping }, { ...architecture, knots: 48 }, SCALING)
      const vector = initialiseParameters(architecture, createRandom(2)).map((value) => 5 * value)
      const states = await hiddenStates(architecture, vector, path)
      expect(states.every(Number.isFinite)).toBe(true)
      const cotangent = new Float32Array(4 * architecture.hidden).fill(1)
      expect(ownGradient({ path, vector, cotangent }).every(Number.isFinite)).toBe(true)
    })
  })
}
