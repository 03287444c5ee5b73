import * as tf from '@tensorflow/tfjs'
import * as ort from 'onnxruntime-node'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { BackendError, InputError } from '#data/errors.ts'
import { selectBackend } from '#models/backend.ts'
import { selectTrainingBackend } from '#models/engines.ts'
import { type ClassifierFit, fitClassifier } from '#training/fit-classifier.ts'
import { type BackendsFitInput, fitOnBackends } from '#training/fit-on-backends.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { nativeSession } from '../models/onnx/native-session.ts'
import { smallFit } from './parallel/cases.ts'

const fitOn = (on: Partial<BackendsFitInput['on']> = {}, input = smallFit()) =>
  fitOnBackends({ ...input, on: { backend: 'onnxruntime', threads: 1, onBackendFailure: 'stop', ...on }, logger })

/** Fails from the call given on, as where memory has run out. */
function failFromRun(call: number): void {
  const { run } = nativeSession
  let calls = 0
  vi.spyOn(nativeSession, 'run').mockImplementation(function (this: ort.InferenceSession, feeds: object) {
    return ++calls < call ? Reflect.apply(run, this, [feeds]) : Promise.reject(new Error('bad allocation'))
  })
}

const apart = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0)

let onWasm: ClassifierFit
beforeAll(async () => {
  await selectBackend('wasm')
  onWasm = await fitClassifier(smallFit())
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('a fit on onnxruntime', () => {
  it.each([1, 2])('has the losses and the weights that wasm has, in %i threads', async (threads) => {
    const fit = await fitOn({ threads })
    expect(fit).toMatchObject({ backend: { name: 'onnxruntime' }, threads, degradations: [] })
    expect(fit.backend.reason).toContain(`onnxruntime works (CPU); ${threads === 1 ? 'one thread' : '2 threads'}`)
    expect(fit.epochs).toHaveLength(onWasm.epochs.length)
    for (const [i, { trainLoss, validationLoss }] of onWasm.epochs.entries()) {
      expect(Math.abs(fit.epochs[i].trainLoss - trainLoss)).toBeLessThan(1e-4)
      expect(Math.abs(fit.epochs[i].validationLoss - validationLoss)).toBeLessThan(1e-4)
    }
    expect(apart(fit.parameters, onWasm.parameters)).toBeLessThan(1e-3)
  })

  it('gives the same weights to the last bit for the same seed and number of threads', async () => {
    expect((await fitOn({ threads: 2 })).parameters).toEqual((await fitOn({ threads: 2 })).parameters)
    expect((await fitOn()).parameters).toEqual((await fitOn()).parameters)
  })

  it('frees every graph that it opened, and leaves no tensor behind', async () => {
    const release = vi.spyOn(nativeSession, 'release')
    const create = vi.spyOn(ort.InferenceSession, 'create')
    await fitOn()
    const before = tf.memory().numTensors
    await fitOn()
    expect(create).toHaveBeenCalledTimes(4)
    expect(release).toHaveBeenCalledTimes(4)
    expect(tf.memory().numTensors).toBe(before)
  })

  it.each([1, 2])('refuses an encoder without a graph before it begins, in %i threads', async (threads) => {
    const failure = await fitOn({ threads, onBackendFailure: 'step-down' }, smallFit({}, 'gru')).catch((error) => error)
    expect(failure).toBeInstanceOf(InputError)
    expect(failure.message).toContain('not "gru": set training.backend to wasm, or to auto')
  })
})

describe('onnxruntime failing half-way', () => {
  /** About four batches and a validation fold an epoch: in the third. */
  const LATE = 12

  it('ends the fit with the best epoch so far', async () => {
    failFromRun(LATE)
    const fit = await fitOn()
    expect(fit.ending.by).toBe('failure')
    expect(fit.ending.reason).toMatch(
      /^cut short after \d of 4 epochs: onnxruntime failed in epoch \d: .*bad allocation/,
    )
    expect(await tf.sum([1, 2, 3]).data()).toEqual(Float32Array.of(6))
  })

  it('goes on with wasm where so configured', async () => {
    failFromRun(LATE)
    const fit = await fitOn({ onBackendFailure: 'step-down' })
    expect(fit.backend.name).toBe('wasm')
    expect(fit.degradations).toEqual([expect.stringMatching(/bad allocation; went on with wasm$/)])
    expect(fit.epochs).toHaveLength(4)
    expect(apart(fit.parameters, onWasm.parameters)).toBeLessThan(1e-3)
  })

  it('is a typed error where no epoch was finished', async () => {
    failFromRun(1)
    await expect(fitOn()).rejects.toThrow(BackendError)
  })
})

describe('auto, on a machine without a graphics card', () => {
  // Whether this machine has one is not this test's business.
  beforeEach(() => void vi.stubEnv('VK_DRIVER_FILES', '/dev/null'))
  afterEach(() => void vi.unstubAllEnvs())

  it('takes onnxruntime for the encoder that it can train, and says that it is faster', async () => {
    const { name, reason } = await selectTrainingBackend('auto', { encoder: 'plain' })
    expect(name).toBe('onnxruntime')
    expect(reason).toMatch(/wasm works \(CPU\); onnxruntime works \(CPU\), and is several times as fast$/)
  })

  it.each(['linear', 'gru'] as const)('takes wasm for the encoder %s', async (encoder) => {
    expect(await selectTrainingBackend('auto', { encoder })).toMatchObject({ name: 'wasm' })
  })

  it('takes what is asked for by name', async () => {
    expect(await selectTrainingBackend('wasm', { encoder: 'plain' })).toMatchObject({ name: 'wasm' })
  })
})
