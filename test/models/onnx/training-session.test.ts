import fc from 'fast-check'
import * as ort from 'onnxruntime-node'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { BackendError, InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { selectBackend } from '#models/backend.ts'
import type { Architecture } from '#models/classifier/architecture.ts'
import type { Targets } from '#models/classifier/classifier.ts'
import { type ControlPath, controlPath } from '#models/classifier/control-path.ts'
import { type Engine, tensorflowEngine } from '#models/classifier/engine.ts'
import { initialiseParameters, type ParameterVector, splitParameters } from '#models/classifier/parameters.ts'
import { writeValidationGraph } from '#models/onnx/training-graph.ts'
import { openTrainingSession } from '#models/onnx/training-session.ts'
import { CHANNELS, randomWindows, SCALING, smallArchitecture } from '../classifier/cases.ts'
import { nativeSession } from './native-session.ts'

interface Case {
  readonly architecture: Architecture
  readonly parameters: ParameterVector
  readonly path: ControlPath
  readonly targets: Targets
}

function randomCase(seed: number, changes: Partial<Architecture> & { count?: number; dropped?: boolean } = {}): Case {
  const { count = 7, dropped = true, ...architectural } = changes
  const random = createRandom(seed)
  const architecture = smallArchitecture(architectural)
  const parameters = initialiseParameters(architecture, random)
  for (let i = 0; i < parameters.length; i++) parameters[i] += 0.2 * random.normal()
  const probabilities = new Float32Array(count * 3)
  for (let n = 0; n < count; n++) probabilities.fill(0.05, n * 3, n * 3 + 3)
  for (let n = 0; n < count; n++) probabilities[n * 3 + random.integer(3)] = 0.9
  const dropout = Float32Array.from({ length: count * architecture.hidden }, () => (random.uniform() < 0.3 ? 0 : 1.4))
  return {
    architecture,
    parameters,
    path: controlPath(randomWindows(random, count, architecture.knots), architecture, SCALING),
    targets: {
      probabilities,
      weights: Float32Array.from({ length: count }, () => random.uniform() / count),
      ...(dropped && { dropout }),
    },
  }
}

async function using<T>(engine: Engine, use: (engine: Engine) => Promise<T>): Promise<T> {
  try {
    return await use(engine)
  } finally {
    await engine.close()
  }
}

const answers = (engine: Engine, { parameters, path, targets }: Case) =>
  using(engine, async () => ({
    ...(await engine.lossAndGradient(parameters, path, targets)),
    probabilities: await engine.regimeProbabilities(parameters, path),
  }))

/** Largest difference, relative to the largest number or to 1e-2 where all are smaller: float32 sums do not agree better. */
function apart(a: Float32Array, b: Float32Array): number {
  const most = b.reduce((size, value) => Math.max(size, Math.abs(value)), 1e-2)
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i])), 0) / most
}

async function expectSame(one: Case): Promise<void> {
  const mine = await answers(await openTrainingSession(one.architecture), one)
  const theirs = await answers(tensorflowEngine(one.architecture), one)
  expect(Math.abs(mine.loss - theirs.loss)).toBeLessThan(1e-5)
  expect(apart(mine.probabilities, theirs.probabilities)).toBeLessThan(1e-5)
  const expected = splitParameters(one.architecture, theirs.gradient)
  for (const [name, { values }] of Object.entries(splitParameters(one.architecture, mine.gradient))) {
    expect(apart(values, expected[name].values), name).toBeLessThan(1e-4)
  }
}

beforeAll(async () => {
  await selectBackend('wasm')
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('the training graph of a plain neural CDE', () => {
  it.each<Parameters<typeof randomCase>[1] & object>([
    { solver: 'euler' },
    { solver: 'heun' },
    { solver: 'heun', counted: [], dropped: false },
    { solver: 'euler', counted: ['return', 'volatility'], context: ['funding'] },
    { solver: 'heun', hidden: 1, width: 1, readout: 1, count: 1 },
    { solver: 'euler', knots: 2 },
    { solver: 'heun', knots: 1 },
  ])('gives the loss, the gradient and the probabilities that TensorFlow.js gives: %o', async (changes) => {
    await expectSame(randomCase(5, changes))
  })

  it('does so for whatever sizes', { timeout: 20_000 }, async () => {
    const sizes = fc.record({
      solver: fc.constantFrom('euler', 'heun'),
      hidden: fc.integer({ min: 1, max: 9 }),
      width: fc.integer({ min: 1, max: 9 }),
      knots: fc.integer({ min: 1, max: 5 }),
      count: fc.integer({ min: 1, max: 5 }),
      counted: fc.subarray(CHANNELS),
      dropped: fc.boolean(),
    } as const)
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), (changes, seed) => expectSame(randomCase(seed, changes))),
      { numRuns: 15 },
    )
  })

  it('sees no direction where the model has none', async () => {
    const channels = ['return', 'volatility', 'funding']
    const architecture = { ...smallArchitecture(), channels }
    const one = randomCase(3)
    const path = { ...one.path, channels: 5, initial: one.path.initial.slice(0, 35) }
    const final = one.path.final.slice(0, 35)
    const increments = one.path.increments.slice(0, 5 * 35)
    const parameters = initialiseParameters(architecture, createRandom(4))
    await expectSame({ ...one, architecture, parameters, path: { ...path, final, increments } })
  })

  it('takes batches of any size one after the other, and gives the same bits again', async () => {
    const [large, small] = [randomCase(1, { count: 40 }), randomCase(2, { count: 3 })]
    await using(await openTrainingSession(large.architecture), async (engine) => {
      const take = ({ parameters, path, targets }: Case) => engine.lossAndGradient(parameters, path, targets)
      const first = [await take(large), await take(small)]
      const again = [await take(large), await take(small)]
      expect(again).toEqual(first)
    })
  })

  it('reads parameters and targets out of memory that threads share', async () => {
    const one = randomCase(6)
    const share = (values: Float32Array) => {
      const shared = new Float32Array(new SharedArrayBuffer(values.byteLength + 8), 8, values.length)
      shared.set(values)
      return shared
    }
    const { probabilities, weights, dropout } = one.targets
    const targets = { probabilities: share(probabilities), weights: share(weights), dropout: share(dropout!) }
    const expected = await answers(await openTrainingSession(one.architecture), one)
    const shared = { ...one, parameters: share(one.parameters), targets }
    expect(await answers(await openTrainingSession(one.architecture), shared)).toEqual(expected)
  })
})

describe('a training session', () => {
  it.each(['linear', 'gru'] as const)('is not opened for the encoder %s, and says what to set', async (encoder) => {
    const architecture = smallArchitecture({ encoder, hidden: 6, block: 2 })
    await expect(openTrainingSession(architecture)).rejects.toThrow(InputError)
    await expect(openTrainingSession(architecture)).rejects.toThrow(
      `computes the encoder plain, not "${encoder}": set training.backend to wasm, or to auto`,
    )
    expect(() => writeValidationGraph(architecture)).toThrow(InputError)
  })

  it('frees both graphs once, however often it is closed, and computes no more', async () => {
    const release = vi.spyOn(nativeSession, 'release')
    const { architecture, parameters, path, targets } = randomCase(1)
    const engine = await openTrainingSession(architecture)
    await engine.close()
    await engine.close()
    expect(release).toHaveBeenCalledTimes(2)
    await expect(engine.lossAndGradient(parameters, path, targets)).rejects.toThrow(/is closed/)
    await expect(engine.regimeProbabilities(parameters, path)).rejects.toThrow(BackendError)
  })

  it('frees the one graph where the other cannot be opened', async () => {
    const release = vi.spyOn(nativeSession, 'release')
    const create = ort.InferenceSession.create.bind(ort.InferenceSession)
    let opened = 0
    vi.spyOn(ort.InferenceSession, 'create').mockImplementation((async (bytes: Uint8Array) => {
      if (opened++ === 1) throw new Error('no memory is left')
      return create(bytes)
    }) as typeof ort.InferenceSession.create)
    await expect(openTrainingSession(smallArchitecture())).rejects.toThrow(/no memory is left/)
    expect(release).toHaveBeenCalledTimes(1)
  })

  it('says on what onnxruntime failed', async () => {
    const { architecture, parameters, path, targets } = randomCase(1)
    await using(await openTrainingSession(architecture), async (engine) => {
      const three = { ...path, final: path.final.slice(0, 21) }
      const failure = await engine.lossAndGradient(parameters, three, targets).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(BackendError)
      expect((failure as Error).message).toMatch(/^onnxruntime failed on 7 windows: .{10,}/)
    })
  })
})
