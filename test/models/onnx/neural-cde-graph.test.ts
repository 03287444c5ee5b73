import * as ort from 'onnxruntime-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { ModelError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { selectBackend } from '#models/backend.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { regimeProbabilities } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { initialiseParameters } from '#models/classifier/parameters.ts'
import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { asRegimeModel, openOnnxSession } from '#models/onnx/session.ts'
import { CHANNELS, randomWindows, SCALING, smallArchitecture } from '../classifier/cases.ts'
import { describeRegimeModel } from '../conformance.ts'

describe('the ONNX graph of a neural CDE', () => {
  beforeAll(async () => {
    await selectBackend('wasm')
  })

  it.each([
    { solver: 'euler', counted: ['funding'], knots: 6 },
    { solver: 'heun', counted: ['return', 'volatility'], knots: 6 },
    { solver: 'heun', counted: [], knots: 9 },
    { encoder: 'linear', hidden: 6, block: 2, counted: ['funding'], knots: 6 },
    { encoder: 'linear', hidden: 6, block: 6, counted: [], knots: 9 },
    { encoder: 'linear', hidden: 5, block: 1, counted: ['return'], knots: 1 },
  ] as const)('gives what TensorFlow.js gives: %o', async ({ knots, ...changes }) => {
    const random = createRandom(3)
    const architecture = smallArchitecture(changes)
    const parameters = initialiseParameters(architecture, random)
    const windows = randomWindows(random, 11, knots)
    const expected = await regimeProbabilities(architecture, parameters, controlPath(windows, architecture, SCALING))
    // What stands in a masked place must not matter, not even NaN.
    const dirty = windows.features.map((value, i) => (windows.mask[i] ? value : Number.NaN))

    const graph = writeNeuralCdeGraph(architecture, parameters, SCALING, { channels: 'test' })
    const session = await ort.InferenceSession.create(graph)
    const { probabilities } = await session.run({
      features: new ort.Tensor('float32', dirty, [11, knots, 4]),
      hours: new ort.Tensor('float32', windows.hours, [11, knots]),
      mask: new ort.Tensor('float32', windows.mask, [11, knots, 4]),
    })
    const found = probabilities.data as Float32Array
    expect(Math.max(...found.map((value, i) => Math.abs(value - expected[i])))).toBeLessThan(1e-5)
  })
})

describe('an encoder that is no vector field', () => {
  it('gets no graph', () => {
    const architecture = smallArchitecture({ encoder: 'gru' })
    const write = () =>
      writeNeuralCdeGraph(architecture, initialiseParameters(architecture, createRandom(1)), SCALING, {})
    expect(write).toThrow(ModelError)
    expect(write).toThrow('there is no ONNX graph for the encoder "gru"')
  })
})

describeRegimeModel('the ONNX graph of a neural CDE', async () => openGraph(smallArchitecture()))

describeRegimeModel('the ONNX graph of a linear neural CDE', async () =>
  openGraph(smallArchitecture({ encoder: 'linear', hidden: 6, block: 3 })),
)

async function openGraph(architecture: Architecture) {
  const graph = writeNeuralCdeGraph(architecture, initialiseParameters(architecture, createRandom(4)), SCALING, {})
  const session = await openOnnxSession(graph, { threads: 1 })
  return asRegimeModel(session, { kind: 'cde', knots: architecture.knots, channels: CHANNELS })
}
