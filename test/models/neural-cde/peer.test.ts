import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Windows } from '#data/windows.ts'
import { selectBackend } from '#models/backend.ts'
import { type Architecture, CdeConfiguration } from '#models/classifier/architecture.ts'
import { regimeProbabilities } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { maxAbsDifference } from '#models/onnx/parity.ts'
import { openOnnxSession } from '#models/onnx/session.ts'
import type { Scaling } from '#models/scaling.ts'

interface Case {
  readonly name: string
  readonly architecture: Architecture
  readonly scaling: Scaling
  readonly count: number
  readonly knots: number
  readonly parameters: number[]
  readonly features: number[]
  readonly mask: number[]
  readonly hours: number[]
  readonly probabilities: number[]
}

const fixture = readFileSync(new URL('fixtures/numpy.json', import.meta.url), 'utf8')
/** Made by `test/peers/neural_cde.py`. */
const { cases } = JSON.parse(fixture, (key, value) =>
  key === 'architecture' ? { ...CdeConfiguration.parse({}), ...value } : value,
) as { cases: Case[] }

function windowsOf({ architecture, count, knots, features, mask, hours }: Case): Windows {
  return {
    count,
    knots,
    channels: architecture.channels,
    features: Float32Array.from(features),
    mask: Float32Array.from(mask),
    hours: Float32Array.from(hours),
    coin: Array.from({ length: count }, () => 'TEST'),
    asOf: new Float64Array(count),
  }
}

describe.each(cases)('the neural CDE says what another implementation says: $name', (one) => {
  const vector = Float32Array.from(one.parameters)

  beforeAll(async () => {
    await selectBackend('wasm')
  })

  test('in TensorFlow.js', async () => {
    const path = controlPath(windowsOf(one), one.architecture, one.scaling)
    const before = tf.memory().numTensors
    const answer = await regimeProbabilities(one.architecture, vector, path)
    expect(maxAbsDifference(answer, one.probabilities)).toBeLessThan(1e-5)
    expect(tf.memory().numTensors).toBe(before)
  })

  test('in ONNX', async () => {
    const graph = writeNeuralCdeGraph(one.architecture, vector, one.scaling, {})
    const session = await openOnnxSession(graph, { threads: 1 })
    const answer = await session.run(windowsOf(one))
    await session.dispose()
    expect(maxAbsDifference(answer, one.probabilities)).toBeLessThan(1e-5)
  })
})
