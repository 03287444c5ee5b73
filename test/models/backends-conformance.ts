import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { type BackendName, backendFault, selectBackend } from '#models/backend.ts'
import { type Architecture, ENCODERS, type EncoderName } from '#models/classifier/architecture.ts'
import { lossAndGradient, type Targets } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { initialiseParameters, splitParameters } from '#models/classifier/parameters.ts'
import { openEngine } from '#models/engines.ts'
import { GRAPH_TRAINED } from '#models/onnx/training-graph.ts'
import { randomWindows, SCALING, smallArchitecture } from './classifier/cases.ts'

/** Windows of a batch: small, as a renderer in software takes part. */
const COUNT = 9
const KNOTS = 3
/** How far a backend may be from the yardstick, relative to its largest number. */
const TOLERANCE = 1e-4

/** Same weights, same batch, for every backend. */
function caseOf(encoder: EncoderName) {
  const random = createRandom(11)
  const architecture: Architecture = smallArchitecture({ encoder, hidden: 8, solver: 'heun', knots: KNOTS })
  const parameters = initialiseParameters(architecture, random)
  for (let i = 0; i < parameters.length; i++) parameters[i] += 0.1 * random.normal()
  const probabilities = new Float32Array(COUNT * 3)
  for (let n = 0; n < COUNT; n++) probabilities.set([0.1, 0.7, 0.2], n * 3)
  const targets: Targets = {
    probabilities,
    weights: Float32Array.from({ length: COUNT }, (_, n) => (1 + n) / 45),
    dropout: Float32Array.from({ length: COUNT * 8 }, () => (random.uniform() < 0.3 ? 0 : 1 / 0.7)),
  }
  return {
    architecture,
    parameters,
    targets,
    path: controlPath(randomWindows(random, COUNT, KNOTS), architecture, SCALING),
  }
}

/** By way of the backend's engine, which is where trainings have them from. */
async function answersOf(backend: BackendName, encoder: EncoderName) {
  const { architecture, parameters, path, targets } = caseOf(encoder)
  const engine = await openEngine(backend, architecture)
  try {
    const { loss, gradient } = await engine.lossAndGradient(parameters, path, targets)
    return { loss, gradient, probabilities: await engine.regimeProbabilities(parameters, path) }
  } finally {
    await engine.close()
  }
}

/** Encoders that a backend computes. */
const encodersOf = (backend: BackendName) => (backend === 'onnxruntime' ? GRAPH_TRAINED : ENCODERS)

/** Largest difference over the largest number. */
function distance(a: ArrayLike<number>, b: Float32Array): number {
  const apart = b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i])), 0)
  return apart / b.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}

/**
 * What every training backend must keep: the loss, the gradients and the probabilities of the wasm backend, which are held
 * against the slope of the loss by {@link describeYardstick}, for every encoder that it computes.
 */
export function describeBackend(name: BackendName): void {
  describe(`${name} is a training backend`, () => {
    const yardstick = new Map<EncoderName, Awaited<ReturnType<typeof answersOf>>>()
    beforeAll(async () => {
      await selectBackend('wasm')
      for (const encoder of ENCODERS) yardstick.set(encoder, await answersOf('wasm', encoder))
      await selectBackend(name)
    })

    test.each(encodersOf(name))(
      'same weights and batch, same loss, gradients and probabilities: %s',
      async (encoder) => {
        const expected = yardstick.get(encoder)!
        const { loss, gradient, probabilities } = await answersOf(name, encoder)
        expect(Math.abs(loss - expected.loss) / expected.loss).toBeLessThan(TOLERANCE)
        expect(distance(probabilities, expected.probabilities)).toBeLessThan(TOLERANCE)
        const { architecture } = caseOf(encoder)
        const [mine, theirs] = [gradient, expected.gradient].map((vector) => splitParameters(architecture, vector))
        for (const [parameter, { values }] of Object.entries(mine)) {
          expect(distance(values, theirs[parameter].values), parameter).toBeLessThan(TOLERANCE)
        }
        expect(backendFault()).toBeUndefined()
      },
    )

    test('the same batch has the same loss again, and leaves no tensor behind', async () => {
      const first = await answersOf(name, 'plain')
      const before = tf.memory().numTensors
      const again = await answersOf(name, 'plain')
      expect(distance(again.gradient, first.gradient)).toBeLessThan(1e-6)
      expect(tf.memory().numTensors).toBe(before)
    })

    const others = ENCODERS.filter((encoder) => !encodersOf(name).includes(encoder))
    test.each(others)('says what to do about an encoder that it lacks: %s', async (encoder) => {
      const failure = await openEngine(name, caseOf(encoder).architecture).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(InputError)
      expect((failure as Error).message).toMatch(new RegExp(`not "${encoder}": set training.backend to wasm`))
    })
  })
}

/** What makes the wasm backend a yardstick: its gradient is the slope of its loss, along a random direction. */
export function describeYardstick(): void {
  describe('the yardstick of training backends', () => {
    beforeAll(async () => {
      await selectBackend('wasm')
    })

    test.each(ENCODERS)('the gradient is the slope of the loss: %s', async (encoder) => {
      const { architecture, parameters, path, targets } = caseOf(encoder)
      const random = createRandom(3)
      const { gradient } = await lossAndGradient(architecture, parameters, path, targets)
      const direction = Float32Array.from(parameters, () => random.normal())
      const size = Math.hypot(...direction)
      const step = 1e-2
      const lossAt = async (shift: number) => {
        const moved = parameters.map((value, i) => value + (shift * direction[i]) / size)
        return (await lossAndGradient(architecture, moved, path, targets)).loss
      }
      const slope = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step)
      const expected = gradient.reduce((sum, value, i) => sum + (value * direction[i]) / size, 0)
      expect(Math.abs(slope - expected)).toBeLessThan(2e-2 * Math.hypot(...gradient))
    })
  })
}
