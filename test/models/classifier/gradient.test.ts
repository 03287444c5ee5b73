import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { selectBackend } from '#models/backend.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { lossAndGradient, regimeLogits, type Targets } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { initialiseParameters, splitParameters } from '#models/classifier/parameters.ts'
import { randomWindows, SCALING, smallArchitecture } from './cases.ts'

function randomBatch(architecture: Architecture, count: number) {
  const random = createRandom(5)
  const path = controlPath(randomWindows(random, count, architecture.knots), architecture, SCALING)
  const parameters = initialiseParameters(architecture, random)
  for (let i = 0; i < parameters.length; i++) parameters[i] += 0.05 * random.normal()
  const probabilities = new Float32Array(count * 3)
  for (let n = 0; n < count; n++) probabilities.set([0.1, 0.2, 0.7], n * 3)
  const targets: Targets = {
    probabilities,
    weights: Float32Array.from({ length: count }, () => random.uniform() / count),
    dropout: Float32Array.from({ length: count * architecture.hidden }, () => (random.uniform() < 0.3 ? 0 : 1 / 0.7)),
  }
  return { path, parameters, targets }
}

function relativeDistance(a: Float32Array, b: Float32Array): number {
  let difference = 0
  let size = 0
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2
    size += b[i] ** 2
  }
  return Math.sqrt(difference / size)
}

describe.each(['euler', 'heun'] as const)('the gradient of a neural CDE solved by %s', (solver) => {
  beforeAll(async () => {
    await selectBackend('wasm')
  })

  it('equals the gradient by automatic differentiation', async () => {
    const architecture = smallArchitecture({ solver })
    const { path, parameters, targets } = randomBatch(architecture, 7)
    const withoutDropout = { ...targets, dropout: undefined }
    const { loss, gradient } = await lossAndGradient(architecture, parameters, path, withoutDropout)

    const views = splitParameters(architecture, parameters)
    const names = Object.keys(views)
    const tensors = names.map((name) => tf.tensor(views[name].values, views[name].shape))
    const { value, grads } = tf.valueAndGrads((...inputs: tf.Tensor[]) => {
      const named = Object.fromEntries(names.map((name, i) => [name, inputs[i]]))
      const logProbabilities = tf.logSoftmax(regimeLogits(architecture, named, path))
      const wanted = tf.tensor2d(targets.probabilities, [path.count, 3])
      return tf.neg(
        tf.sum(logProbabilities.mul(wanted).mul(tf.tensor2d(targets.weights, [path.count, 1]))),
      ) as tf.Scalar
    })(tensors)
    const automatic = tf.concat(grads.map((g) => g.reshape([-1]))).dataSync() as Float32Array

    expect(loss).toBeCloseTo(value.dataSync()[0], 5)
    expect(relativeDistance(gradient, automatic)).toBeLessThan(1e-5)
  })

  it('equals central differences, dropout included', async () => {
    const architecture = smallArchitecture({ solver })
    const { path, parameters, targets } = randomBatch(architecture, 5)
    const { gradient } = await lossAndGradient(architecture, parameters, path, targets)
    const step = 2e-3
    const numeric = new Float32Array(parameters.length)
    for (let i = 0; i < parameters.length; i += 7) {
      const at = async (shift: number) => {
        const moved = parameters.slice()
        moved[i] += shift
        return (await lossAndGradient(architecture, moved, path, targets)).loss
      }
      numeric[i] = ((await at(step)) - (await at(-step))) / (2 * step)
    }
    const probed = gradient.map((value, i) => (i % 7 === 0 ? value : 0))
    expect(relativeDistance(probed, numeric)).toBeLessThan(1e-2)
  })

  it('leaves no tensor behind', async () => {
    const architecture = smallArchitecture({ solver })
    const { path, parameters, targets } = randomBatch(architecture, 5)
    await lossAndGradient(architecture, parameters, path, targets)
    const before = tf.memory().numTensors
    await lossAndGradient(architecture, parameters, path, targets)
    expect(tf.memory().numTensors).toBe(before)
  })
})
