import * as tf from '@tensorflow/tfjs'
import type { Architecture } from '#models/classifier/architecture.ts'
import { lossAndGradient, regimeLogits, type Targets } from '#models/classifier/classifier.ts'
import type { ControlPath } from '#models/classifier/control-path.ts'
import type { Parameters } from '#models/classifier/encoder.ts'
import { type ParameterVector, splitParameters } from '#models/classifier/parameters.ts'
import { openTrainingSession } from '#models/onnx/training-session.ts'
import { randomCde, randomPath, uniformTargets } from './cases.ts'
import { plainLogits } from './plain-autograd.ts'
import { type Suite, timeCases, type Work } from './suite.ts'

/** Windows in a batch of the case that the promises speak of. */
export const BATCH = 256

/** What the gradient is taken of. */
export interface GradientCase {
  readonly architecture: Architecture
  readonly parameters: ParameterVector
  readonly path: ControlPath
  readonly targets: Targets
}

/** The case that the promises speak of: 256 windows, 48 knots, 7 channels, hidden 64, width 128, one stage. */
export function promisedCase(): GradientCase {
  const { architecture, parameters } = randomCde({ hidden: 64, width: 128, knots: 48 })
  return { architecture, parameters, path: randomPath(architecture, BATCH), targets: uniformTargets(BATCH) }
}

type Logits = (architecture: Architecture, parameters: Parameters, path: ControlPath) => tf.Tensor2D

/** Loss and gradient by TensorFlow.js's automatic differentiation of `logits`. */
function automatic(logits: Logits, { architecture, parameters, path, targets }: GradientCase): Work {
  const views = splitParameters(architecture, parameters)
  const names = Object.keys(views)
  const tensors = names.map((name) => tf.tensor(views[name].values, views[name].shape))
  const wanted = tf.tensor2d(targets.probabilities, [path.count, 3])
  const differentiated = tf.valueAndGrads((...inputs: tf.Tensor[]) => {
    const named = Object.fromEntries(names.map((name, i) => [name, inputs[i]]))
    const logProbabilities = tf.logSoftmax(logits(architecture, named, path))
    return tf.neg(tf.div(tf.sum(tf.mul(logProbabilities, wanted)), path.count)) as tf.Scalar
  })
  return async () => {
    const { value, grads } = differentiated(tensors)
    await Promise.all([value, ...grads].map((tensor) => tensor.data()))
    tf.dispose([value, ...grads])
  }
}

/** The hand-written backward pass as an ONNX graph, whichever backend is in force. */
function onOnnxruntime({ architecture, parameters, path, targets }: GradientCase): Work {
  const opened = openTrainingSession(architecture)
  return async () => {
    await (await opened).lossAndGradient(parameters, path, targets)
  }
}

/** Ways to one loss and gradient, by name; the first is the reference. */
export const WAYS: Readonly<Record<string, (one: GradientCase) => Work>> = {
  'plain autograd (tf.tanh)': (one) => automatic(plainLogits, one),
  'autograd of our forward pass': (one) => automatic(regimeLogits, one),
  'hand-written backward pass': (one) => async () => {
    await lossAndGradient(one.architecture, one.parameters, one.path, one.targets)
  },
  'the same on onnxruntime, one thread': onOnnxruntime,
}

/**
 * Forward and backward pass of the plain vector field, one stage: the hand-written backward pass against
 * TensorFlow.js's automatic differentiation of the same function, once as anybody would write it and once of the
 * forward pass that the hand-written one belongs to (design section 6: 5.9 ms a window for the former).
 */
export const gradient: Suite = async ({ seconds, clock }) => {
  const one = promisedCase()
  const cases = Object.fromEntries(Object.entries(WAYS).map(([name, prepare]) => [name, prepare(one)]))
  const [reference] = Object.keys(WAYS)
  return [
    {
      title: `gradient of a neural CDE, ${BATCH} windows, 48 knots, 7 channels, hidden 64, width 128, Euler`,
      unit: 'ms a window',
      rows: await timeCases(cases, { seconds, clock, divisor: BATCH, reference }),
    },
  ]
}
