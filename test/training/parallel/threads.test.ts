import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { BackendError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { selectBackend } from '#models/backend.ts'
import { initialiseParameters } from '#models/classifier/parameters.ts'
import { fitClassifier, shardDataOf } from '#training/fit-classifier.ts'
import { type Gradients, gradientsHere } from '#training/parallel/gradients.ts'
import type { Batch } from '#training/parallel/shards.ts'
import { gradientsInThreads, type ThreadsOptions } from '#training/parallel/threads.ts'
import type { TrainingState } from '#training/training-state.ts'
import { temporaryFolder } from '../../models/versions.ts'
import { smallFit } from './cases.ts'

/** `gradients` with the loss of each batch written down. */
function listening(gradients: Gradients, losses: number[]): Gradients {
  return {
    ...gradients,
    async batch(parameters, batch) {
      const result = await gradients.batch(parameters, batch)
      losses.push(result.loss)
      return result
    },
  }
}

async function withThreads<T>(threads: number, use: (gradients: Gradients) => Promise<T>, options = {}): Promise<T> {
  const input = smallFit()
  const gradients = await gradientsInThreads(shardDataOf(input), { threads, batch: input.options.batch, ...options })
  try {
    return await use(gradients)
  } finally {
    await gradients.close()
  }
}

async function fitWith(gradients: Gradients) {
  const losses: number[] = []
  const states: TrainingState[] = []
  const onState = (state: TrainingState) => void states.push(state)
  const fit = await fitClassifier({ ...smallFit(), gradients: listening(gradients, losses), onState })
  return { losses, fit, last: states.at(-1)! }
}

/** A batch of the first windows, drawn by hand. */
function someBatch(count: number): Batch {
  return {
    indices: Uint32Array.from({ length: count }, (_, i) => i),
    mirrored: Uint8Array.from({ length: count }, (_, i) => i % 2),
    targets: {
      probabilities: Float32Array.from({ length: count * 3 }, (_, i) => (i % 3 === 0 ? 0.8 : 0.1)),
      weights: new Float32Array(count).fill(1 / count),
    },
  }
}

/** Largest difference of two vectors. */
const apart = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0)

const parametersOf = (seed: number) => initialiseParameters(smallFit().architecture, createRandom(seed))

function threadProgram(text: string): URL {
  const path = join(temporaryFolder(), 'thread.mjs')
  writeFileSync(path, `import { parentPort, workerData } from 'node:worker_threads'\n${text}`)
  return pathToFileURL(path)
}

/** Threads of this process that are alive. */
const livingThreads = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length

beforeAll(async () => {
  await selectBackend('wasm')
})

describe('a training in threads', () => {
  it('has the loss of every batch, the weights and the scores that it has in one, for any number of threads', async () => {
    const input = smallFit()
    const single = await fitWith(gradientsHere(shardDataOf(input)))
    expect(single.losses).toHaveLength(4 * Math.ceil(input.train.ends.length / 150))
    for (const threads of [1, 2, 3]) {
      const several = await withThreads(threads, fitWith)
      for (const [i, loss] of single.losses.entries()) expect(Math.abs(several.losses[i] - loss)).toBeLessThan(1e-5)
      expect(apart(several.last.parameters, single.last.parameters)).toBeLessThan(1e-4)
      expect(apart(several.fit.parameters, single.fit.parameters)).toBeLessThan(1e-4)
      for (const [i, { validationLoss }] of single.fit.epochs.entries()) {
        expect(Math.abs(several.fit.epochs[i].validationLoss - validationLoss)).toBeLessThan(1e-5)
      }
    }
  })

  it('gives the same numbers to the last bit for the same number of threads', async () => {
    const [first, again] = [await withThreads(2, fitWith), await withThreads(2, fitWith)]
    expect(again).toEqual(first)
  })

  it('takes batches of any size up to the largest, with dropout and without', async () => {
    const here = gradientsHere(shardDataOf(smallFit()))
    await withThreads(2, async (gradients) => {
      const dropout = Float32Array.from({ length: 150 * 8 }, (_, i) => (i % 5 === 0 ? 0 : 1.25))
      for (const [count, dropped] of [
        [150, true],
        [1, false],
        [65, true],
        [3, true],
        [150, false],
      ] as const) {
        const batch = someBatch(count)
        const targets = { ...batch.targets, ...(dropped && { dropout: dropout.subarray(0, count * 8) }) }
        const mine = await gradients.batch(parametersOf(count), { ...batch, targets })
        const whole = await here.batch(parametersOf(count), { ...batch, targets })
        expect(Math.abs(mine.loss - whole.loss)).toBeLessThan(1e-6)
        expect(apart(mine.gradient, whole.gradient)).toBeLessThan(1e-6)
      }
    })
  })

  it('leaves the event loop of its main thread free', async () => {
    await withThreads(2, async (gradients) => {
      expect(livingThreads()).toBeGreaterThanOrEqual(2)
      let turns = 0
      const turning = setInterval(() => turns++, 1)
      for (let i = 0; i < 20; i++) await gradients.batch(parametersOf(i), someBatch(150))
      clearInterval(turning)
      expect(turns).toBeGreaterThan(5)
    })
  })
})

describe('a thread that fails', () => {
  const failing = (text: string, options: Partial<ThreadsOptions> = {}) =>
    withThreads(2, (gradients) => gradients.batch(parametersOf(1), someBatch(150)), {
      program: threadProgram(text),
      ...options,
    })
  /** Says that it is ready, then waits for work and does something else. */
  const onFirstBatch = (what: string) =>
    `parentPort.postMessage({ type: 'ready' }); Atomics.wait(workerData.control, 1, 0); ${what}`

  it.each([
    ['throws', onFirstBatch('throw new RangeError("no memory for the tape")'), /failed: no memory for the tape/],
    ['ends', onFirstBatch('process.exit(3)'), /ended with exit code 3/],
    ['says that it failed', onFirstBatch('parentPort.postMessage({ type: "failed", reason: "lost" })'), /failed: lost/],
    ['cannot start', 'throw new Error("no wasm here")', /failed: no wasm here/],
    ['ends at once', 'process.exit(0)', /ended with exit code 0/],
  ])('ends the training where it %s, says which and why, and takes the others along', async (_, text, words) => {
    const before = livingThreads()
    const failure = await failing(text).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(BackendError)
    expect((failure as Error).message).toMatch(/^thread [12] of 2 of the training /)
    expect((failure as Error).message).toMatch(words)
    expect(livingThreads()).toBe(before)
  })

  it('fails every call after it for the same reason', async () => {
    const text = onFirstBatch('throw new RangeError("first")')
    await withThreads(
      2,
      async (gradients) => {
        await expect(gradients.batch(parametersOf(1), someBatch(5))).rejects.toThrow(/failed: first/)
        await expect(gradients.validation(parametersOf(1))).rejects.toThrow(/failed: first/)
      },
      { program: threadProgram(text) },
    )
  })
})

describe('an aborted training in threads', () => {
  it('ends in the middle of a batch, with the reason it was given, and leaves no thread', async () => {
    const before = livingThreads()
    const stop = new AbortController()
    const program = threadProgram(`parentPort.postMessage({ type: 'ready' }); for (;;) {}`)
    const running = withThreads(
      2,
      (gradients) => {
        setTimeout(() => stop.abort(new Error('enough')), 20)
        return gradients.batch(parametersOf(1), someBatch(150))
      },
      { program, signal: stop.signal },
    )
    await expect(running).rejects.toThrow('enough')
    expect(livingThreads()).toBe(before)
  })

  it('does not start when it is aborted already, or aborted while its threads start', async () => {
    const never = withThreads(2, async () => 'computed', { signal: AbortSignal.abort(new Error('before')) })
    await expect(never).rejects.toThrow('before')
    const stop = new AbortController()
    const starting = withThreads(2, async () => 'computed', { signal: stop.signal })
    stop.abort(new Error('meanwhile'))
    await expect(starting).rejects.toThrow('meanwhile')
  })
})
