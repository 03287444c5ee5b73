import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { BackendError } from '#data/errors.ts'
import { discardBackend, selectBackend } from '#models/backend.ts'
import type { Samples } from '#training/dataset.ts'
import { type ClassifierFit, type ClassifierFitInput, fitClassifier } from '#training/fit-classifier.ts'
import { type BackendsFitInput, fitOnBackends } from '#training/fit-on-backends.ts'
import { type StateFile, stateFile } from '#training/state-file.ts'
import { silentLogger as logger } from '../jobs/silent-logger.ts'
import { softwareRenderer } from '../models/software-renderer.ts'
import { temporaryFolder } from '../models/versions.ts'
import { smallFit } from './parallel/cases.ts'
import { failFrom } from './parallel/failing-kernel.ts'

softwareRenderer()
/** In CI there always is one: see `backends-conformance.test.ts`. */
const graphics = await selectBackend('webgpu').then(
  () => true,
  () => false,
)

type On = BackendsFitInput['on']

const ONE_THREAD: On = { backend: 'wasm', threads: 1, onBackendFailure: 'stop' }

function fitOn(change: Partial<BackendsFitInput> = {}) {
  return fitOnBackends({ ...smallFit(), on: ONE_THREAD, logger, ...change })
}

/** Calls `then` when the epoch given has ended, in the middle of the next. */
function inEpoch(epoch: number, then: () => void): Pick<ClassifierFitInput, 'onBatch'> {
  let done = false
  return {
    onBatch: (running) => {
      if (running < epoch || done) return
      done = true
      then()
    },
  }
}

let whole: ClassifierFit
beforeAll(async () => {
  await selectBackend('wasm')
  whole = await fitClassifier(smallFit())
})

describe('a backend that fails half-way', () => {
  it('ends the fit with the best epoch so far, and says so', async () => {
    let restore = () => {}
    const failed = await fitOn(inEpoch(3, () => (restore = failFrom(3, 'wasm')))).finally(() => restore())
    const reason = 'wasm failed in epoch 3: the training backend failed: no memory is left for this product'
    expect(failed.ending).toEqual({ by: 'failure', reason: `cut short after 2 of 4 epochs: ${reason}` })
    expect(failed.degradations).toEqual([`${reason}; epoch ${failed.bestEpoch} of 2 was kept`])
    const short = await fitClassifier(smallFit({ epochs: 2 }))
    expect(failed.parameters).toEqual(short.parameters)
    expect(failed.epochs).toEqual(short.epochs)
  })

  it('leaves a backend behind that computes, and no tensor', async () => {
    const before = tf.memory().numTensors
    let restore = () => {}
    await fitOn(inEpoch(2, () => (restore = failFrom(1, 'wasm')))).finally(() => restore())
    expect(await tf.sum([1, 2, 3]).data()).toEqual(Float32Array.of(6))
    expect(tf.memory().numTensors).toBe(before + 1)
  })

  it('ends the fit with a typed error where no epoch was finished', async () => {
    const restore = failFrom(2, 'wasm')
    const failure = await fitOn()
      .catch((error: unknown) => error)
      .finally(restore)
    expect(failure).toBeInstanceOf(BackendError)
    expect((failure as Error).message).toBe('the training backend failed: no memory is left for this product')
  })

  it('costs no finished epoch: the same training goes on there later', async () => {
    const file = stateFile(temporaryFolder(), 'a training')
    let restore = () => {}
    await fitOn({ file, ...inEpoch(3, () => (restore = failFrom(3, 'wasm'))) }).finally(() => restore())
    const epochs: number[] = []
    const again = await fitOn({ file, onEpoch: ({ epoch }) => epochs.push(epoch) })
    expect(epochs).toEqual([3, 4])
    expect(again).toMatchObject(whole)
    expect(again.degradations).toEqual([])
  })

  it('is found out where memory is used up: wasm would go on at address 0 or beyond the end', async () => {
    const { wasm } = tf.backend() as unknown as { wasm: { _malloc: (bytes: number) => number } }
    const takeAll = () => Array.from({ length: 5 }, () => wasm._malloc(0x3800_0000))
    expect(takeAll).toThrow(/no wasm memory is left for 939524096 bytes/)
    discardBackend('wasm')
    await selectBackend('wasm')
    expect(await tf.sum([1, 2, 3]).data()).toEqual(Float32Array.of(6))
  })

  it('does not take the words of another error for its own', async () => {
    const stop = new AbortController()
    const aborted = fitOn({ signal: stop.signal, ...inEpoch(2, () => stop.abort(new Error('enough'))) })
    await expect(aborted).rejects.toThrow('enough')
    await expect(fitOn({ options: smallFit({ learningRate: 1e39 }).options })).rejects.toThrow(/diverged/)
  })
})

describe('a graphics device that is lost', () => {
  const loseDevice = () => (tf.backend() as unknown as { device: { destroy(): void } }).device.destroy()
  /** Few windows of few knots: the software renderer takes its time. */
  const small = () => {
    const { architecture, train, validation, ...rest } = smallFit({ epochs: 2, batch: 256, mirror: false })
    const some = ({ ends, labels }: Samples, count: number) => ({
      ends: ends.slice(0, count),
      labels: labels.subarray(0, count),
    })
    return {
      ...rest,
      architecture: { ...architecture, knots: 2 },
      train: some(train, 40),
      validation: some(validation, 20),
    }
  }

  it.skipIf(!graphics)('ends the fit with the best epoch so far', async () => {
    const failed = await fitOn({ ...small(), on: { ...ONE_THREAD, backend: 'webgpu' }, ...inEpoch(2, loseDevice) })
    expect(failed.backend).toMatchObject({ name: 'webgpu', reason: expect.stringContaining('one process') })
    expect(failed.ending.reason).toMatch(/^cut short after 1 of 2 epochs: webgpu failed in epoch 2: .*destroyed/)
    expect(failed.epochs).toHaveLength(1)
    expect(tf.getBackend()).toBe('wasm')
  })

  it.skipIf(!graphics)('is not believed where it only reports what went wrong, and goes on answering', async () => {
    const misuse = () => {
      const { device } = tf.backend() as unknown as { device: { createBuffer(options: object): unknown } }
      // Usages that exclude each other: the buffer is invalid, the call says nothing.
      device.createBuffer({ size: 16, usage: 1 | 2 })
    }
    const failed = await fitOn({ ...small(), on: { ...ONE_THREAD, backend: 'webgpu' }, ...inEpoch(2, misuse) })
    expect(failed.ending.reason).toMatch(/webgpu failed in epoch 2: the training backend failed: the graphics device: /)
  })

  it.skipIf(!graphics)(
    'hands over to the next backend after the last finished epoch, where so configured',
    async () => {
      const on: On = { backend: 'webgpu', threads: 1, onBackendFailure: 'step-down' }
      const stepped = await fitOn({ ...small(), on, ...inEpoch(2, loseDevice) })
      expect(stepped.backend.name).toBe('wasm')
      expect(stepped.backend.reason).toMatch(
        /^webgpu failed in epoch 2: .*destroyed.*; wasm works \(CPU\); one thread$/,
      )
      expect(stepped.degradations).toEqual([expect.stringMatching(/^webgpu failed in epoch 2: .*; went on with wasm$/)])
      const expected = await fitClassifier(small())
      expect(stepped.epochs.map(({ epoch }) => epoch)).toEqual([1, 2])
      for (const [i, { validationLoss }] of expected.epochs.entries()) {
        expect(Math.abs(stepped.epochs[i].validationLoss - validationLoss)).toBeLessThan(1e-3)
      }
    },
  )
})

describe('a training whose process is killed', () => {
  it.each([1, 3])('goes on after epoch %i in the next one, with the same result', async (epoch) => {
    const directory = temporaryFolder()
    const program = fileURLToPath(new URL('./killed-fit.ts', import.meta.url))
    const killed = await promisify(execFile)(process.execPath, [program, directory, String(epoch)]).catch((e) => e)
    expect(killed).toMatchObject({ signal: 'SIGKILL' })
    const epochs: number[] = []
    const file = stateFile(directory, 'killed')
    const resumed = await fitOn({ file, onEpoch: (line) => epochs.push(line.epoch) })
    expect(epochs[0]).toBe(epoch + 1)
    expect(resumed).toMatchObject(whole)
  })

  it('begins anew where its state is not whole, and says so', async () => {
    const warn = vi.fn()
    const file: StateFile = {
      path: 'p',
      read: async () => ({ unusable: 'p was changed' }),
      write: async () => {},
      remove: async () => {},
    }
    const fresh = await fitOn({ file, logger: Object.assign(Object.create(logger), { warn }) })
    expect(fresh).toMatchObject(whole)
    expect(warn).toHaveBeenCalledWith({ path: 'p' }, 'the training begins anew: p was changed')
  })
})

describe('a fit on wasm', () => {
  it('takes as many threads as it is told, says so, and has the same losses', async () => {
    const several = await fitOn({ on: { ...ONE_THREAD, threads: 2 } })
    expect(several).toMatchObject({ threads: 2, backend: { name: 'wasm', reason: 'wasm works (CPU); 2 threads' } })
    expect(several.epochs).toHaveLength(whole.epochs.length)
    for (const [i, { trainLoss, validationLoss }] of whole.epochs.entries()) {
      expect(Math.abs(several.epochs[i].trainLoss - trainLoss)).toBeLessThan(1e-5)
      expect(Math.abs(several.epochs[i].validationLoss - validationLoss)).toBeLessThan(1e-5)
    }
  })

  it('ends within a batch when it is told to, threads and all', async () => {
    const stop = new AbortController()
    const running = fitOn({
      on: { ...ONE_THREAD, threads: 2 },
      signal: stop.signal,
      ...inEpoch(1, () => stop.abort(new Error('enough'))),
    })
    await expect(running).rejects.toThrow('enough')
  })
})
