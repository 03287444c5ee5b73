import { beforeAll, describe, expect, it } from 'vitest'
import { ModelError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { sliceWindows, type Windows } from '#data/windows.ts'
import { selectBackend } from '#models/backend.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import { regimeProbabilities } from '#models/classifier/classifier.ts'
import { controlPath } from '#models/classifier/control-path.ts'
import { initialiseParameters } from '#models/classifier/parameters.ts'
import { estimateHmm } from '#models/hmm/regime-model.ts'
import { writeHmmStep } from '#models/onnx/hmm-step.ts'
import { writeNeuralCdeGraph } from '#models/onnx/neural-cde-graph.ts'
import { writeNeuralCdeStep } from '#models/onnx/neural-cde-step.ts'
import { maxAbsDifference } from '#models/onnx/parity.ts'
import { openStepSession, streamWindows } from '#models/onnx/step-session.ts'
import { randomWindows, SCALING, smallArchitecture } from '../classifier/cases.ts'
import { randomWindows as windowsOf } from '../conformance.ts'
import { randomHmm } from '../hmm/toy.ts'

const KNOTS = 7

interface Streamed {
  readonly step: Uint8Array
  readonly windows: Windows
  readonly expected: Float32Array
}

async function neuralCde(changes: Partial<Architecture>): Promise<Streamed> {
  const random = createRandom(3)
  const architecture = smallArchitecture({ ...changes, knots: KNOTS })
  const parameters = initialiseParameters(architecture, random)
  const windows = randomWindows(random, 9, KNOTS)
  const expected = await regimeProbabilities(architecture, parameters, controlPath(windows, architecture, SCALING))
  return { step: writeNeuralCdeStep(architecture, parameters, SCALING, {}), windows, expected }
}

async function hmm(covarianceType: 'full' | 'diagonal'): Promise<Streamed> {
  const model = randomHmm(5, covarianceType)
  const windows = windowsOf({ count: 9, knots: KNOTS, channels: model.channels, seed: 3 })
  return { step: writeHmmStep(model, {}), windows, expected: estimateHmm(model, windows) }
}

describe.each([
  ['a neural CDE, Euler', () => neuralCde({ solver: 'euler', counted: ['funding'] })],
  ['a neural CDE, Heun, nothing counted', () => neuralCde({ solver: 'heun', counted: [] })],
  ['a neural CDE with context', () => neuralCde({ counted: ['return'], context: ['volatility', 'funding'] })],
  ['a linear neural CDE', () => neuralCde({ encoder: 'linear', hidden: 6, block: 3, counted: ['funding'] })],
  ['an HMM, full covariance', () => hmm('full')],
  ['an HMM, diagonal covariance', () => hmm('diagonal')],
] as const)('the streaming step of %s', (_, make) => {
  let made: Streamed
  beforeAll(async () => {
    await selectBackend('wasm')
    made = await make()
  })

  it('says after the last knot of a window what the model says of the window', async () => {
    const session = await openStepSession(made.step, { threads: 1 })
    expect(maxAbsDifference(made.expected, await streamWindows(session, made.windows))).toBeLessThan(1e-5)
    await session.dispose()
  })

  it('does not look at what is masked, nor at the state before a first knot', async () => {
    const session = await openStepSession(made.step, { threads: 1 })
    const { count } = made.windows
    const size = count * session.channels
    const knots = {
      count,
      features: made.windows.features.slice(0, size),
      mask: made.windows.mask.slice(0, size),
      elapsed: new Float32Array(count),
      first: new Float32Array(count).fill(1),
      state: new Float32Array(count * session.stateSize),
    }
    const clean = await session.step(knots)
    const dirty = await session.step({
      ...knots,
      features: knots.features.map((value, i) => (knots.mask[i] ? value : Number.NaN)),
      elapsed: knots.elapsed.fill(17),
      state: knots.state.fill(3),
    })
    expect(dirty).toEqual(clean)
    await session.dispose()
  })

  it('serves streams of different age in one batch, and goes on from a state that was stored', async () => {
    const session = await openStepSession(made.step, { threads: 1 })
    const one = sliceWindows(made.windows, 0, 1)
    const { channels, stateSize } = session
    const knot = (k: number) => one.features.subarray(k * channels, (k + 1) * channels)
    const mask = (k: number) => one.mask.subarray(k * channels, (k + 1) * channels)
    const start = await session.step({
      count: 1,
      features: knot(0),
      mask: mask(0),
      elapsed: new Float32Array(1),
      first: Float32Array.of(1),
      state: new Float32Array(stateSize),
    })
    const stored = Float32Array.from(JSON.parse(JSON.stringify(Array.from(start.state))))
    const elapsed = one.hours[1] - one.hours[0]
    const both = await session.step({
      count: 2,
      features: Float32Array.from([...knot(1), ...knot(0)]),
      mask: Float32Array.from([...mask(1), ...mask(0)]),
      elapsed: Float32Array.of(elapsed, 0),
      first: Float32Array.of(0, 1),
      state: Float32Array.from([...stored, ...new Float32Array(stateSize)]),
    })
    const alone = await session.step({
      count: 1,
      features: knot(1),
      mask: mask(1),
      elapsed: Float32Array.of(elapsed),
      first: Float32Array.of(0),
      state: start.state,
    })
    expect(maxAbsDifference(both.probabilities.slice(0, 3), alone.probabilities)).toBeLessThan(1e-6)
    expect(maxAbsDifference(both.probabilities.slice(3), start.probabilities)).toBeLessThan(1e-6)
    await session.dispose()
  })
})

describe('a snapshot of a streaming step', () => {
  it.each([{ encoder: 'plain' }, { encoder: 'linear', hidden: 6, block: 2 }] as const)(
    'gives back the very states, and to no other model: %o',
    async (changes) => {
      const made = await neuralCde(changes)
      const session = await openStepSession(made.step, { threads: 1 })
      const random = createRandom(5)
      const state = Float32Array.from({ length: 3 * session.stateSize }, () => random.normal())
      const kept = session.snapshot(state)
      const again = await openStepSession(made.step, { threads: 1 })
      expect(again.restore(kept)).toEqual(state)

      const architecture = smallArchitecture(changes)
      const other = initialiseParameters(architecture, createRandom(8))
      const stranger = await openStepSession(writeNeuralCdeStep(architecture, other, SCALING, {}), { threads: 1 })
      expect(stranger.stateSize).toBe(session.stateSize)
      expect(() => stranger.restore(kept)).toThrow(ModelError)
      expect(() => session.restore(kept.subarray(1))).toThrow(/cannot be restored: it is not whole JSON/)
      await Promise.all([session, again, stranger].map((one) => one.dispose()))
    },
  )
})

describe('openStepSession', () => {
  it('refuses what is no streaming step', async () => {
    const architecture = smallArchitecture()
    const graph = writeNeuralCdeGraph(architecture, initialiseParameters(architecture, createRandom(1)), SCALING, {})
    await expect(openStepSession(graph)).rejects.toThrow(/has inputs features.*it must have state/)
    await expect(openStepSession(Uint8Array.of(1, 2, 3))).rejects.toThrow(/not a usable ONNX model/)
  })
})
