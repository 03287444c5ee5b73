import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { selectBackend } from '#models/backend.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { lossAndGradient, regimeLogits, type Targets } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { initialiseParameters, parameterShapes, splitParameters } from '#models/classifier/parameters.ts'
import { randomWindows, SCALING, smallArchitecture } from './cases.ts'
import { referenceGradient, referenceLoss } from './reference.ts'

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

/** Windows `from` to `to` of a batch, their weights as they were. */
function part({ path, targets }: Pick<ReturnType<typeof randomBatch>, 'path' | 'targets'>, from: number, to: number) {
  const { count, channels, steps } = path
  const rows = (values: Float32Array) => {
    const width = values.length / count
    return values.slice(from * width, to * width)
  }
  const size = count * channels
  const increments = Array.from({ length: steps }, (_, k) => [
    ...path.increments.subarray(k * size + from * channels, k * size + to * channels),
  ])
  return {
    path: {
      ...path,
      count: to - from,
      initial: rows(path.initial),
      final: rows(path.final),
      increments: Float32Array.from(increments.flat()),
    },
    targets: {
      probabilities: rows(targets.probabilities),
      weights: rows(targets.weights),
      dropout: targets.dropout && rows(targets.dropout),
    },
  }
}

type Numbers = Float32Array | Float64Array

function relativeDistance(a: Numbers, b: Numbers): number {
  let difference = 0
  let size = 0
  for (let i = 0; i < a.length; i++) {
    difference += (a[i] - b[i]) ** 2
    size += b[i] ** 2
  }
  return Math.sqrt(difference / size)
}

/** From where to where each parameter stands in the vector. */
function blocks(architecture: Architecture): [string, [number, number]][] {
  let end = 0
  return Object.entries(parameterShapes(architecture)).map(([name, shape]) => {
    const start = end
    end += shape.reduce((product, n) => product * n, 1)
    return [name, [start, end]]
  })
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

  it('equals central differences of a float64 reference, dropout included', async () => {
    const architecture = smallArchitecture({ solver })
    const { path, parameters, targets } = randomBatch(architecture, 5)
    const { loss, gradient } = await lossAndGradient(architecture, parameters, path, targets)
    const expected = referenceLoss(architecture, Float64Array.from(parameters), path, targets)
    expect(Math.abs(loss / expected - 1)).toBeLessThan(1e-6)
    const slopes = referenceGradient(architecture, parameters, path, targets)
    expect(relativeDistance(gradient, slopes)).toBeLessThan(1e-5)
    // Each parameter by itself as well: a small block must not hide behind a large one.
    for (const [name, block] of blocks(architecture)) {
      expect(relativeDistance(gradient.slice(...block), slopes.slice(...block)), name).toBeLessThan(1e-4)
    }
  })

  it('is a number where saturation leaves no slope', async () => {
    const architecture = smallArchitecture({ solver, knots: 4 })
    const { path, parameters, targets } = randomBatch(architecture, 5)
    const steep = parameters.map((value) => value * 1e4)
    const { loss, gradient } = await lossAndGradient(architecture, steep, path, targets)
    expect([loss, ...gradient].every(Number.isFinite)).toBe(true)
  })

  it('does not depend on how the windows are laid side by side', async () => {
    const architecture = smallArchitecture({ solver })
    const whole = randomBatch(architecture, 150)
    const { parameters } = whole
    const { gradient } = await lossAndGradient(architecture, parameters, whole.path, whole.targets)
    const sum = new Float64Array(gradient.length)
    for (const [from, to] of [
      [0, 1],
      [1, 70],
      [70, 150],
    ]) {
      const { path, targets } = part(whole, from, to)
      const { gradient: share } = await lossAndGradient(architecture, parameters, path, targets)
      for (let i = 0; i < sum.length; i++) sum[i] += share[i]
    }
    expect(relativeDistance(gradient, sum)).toBeLessThan(1e-5)
  })

  it('is that of the read-out and h(0) alone for windows of one knot', async () => {
    const architecture = smallArchitecture({ solver, knots: 1 })
    const { path, parameters, targets } = randomBatch(architecture, 5)
    const { gradient } = await lossAndGradient(architecture, parameters, path, targets)
    expect(relativeDistance(gradient, referenceGradient(architecture, parameters, path, targets))).toBeLessThan(1e-5)
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
