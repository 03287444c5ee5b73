import { UnrecoverableError } from 'bullmq'
import { describe, expect, it, vi } from 'vitest'
import { UnavailableError } from '#data/errors.ts'
import type { TrainingPlace } from '#jobs/workers/remote-training.ts'
import { createTrainProcessor, type TrainJobHandle } from '#jobs/workers/train.ts'
import { silentLogger as logger } from '../silent-logger.ts'

// The training process writes to stderr what it fails with: here it is meant to fail.
vi.stubEnv('MILLRACE_LOG_LEVEL', 'silent')
const trainModule = new URL('../fixtures/trainer.ts', import.meta.url).href
const train = createTrainProcessor({ trainModule, logger, grace: 200, lookInterval: 50 })

function jobOf(request: object, onProgress: (progress: object) => void = () => {}) {
  const job = {
    data: { round: 'r', request } as object,
    progress: [] as object[],
    async updateProgress(progress: object) {
      job.progress.push(progress)
      onProgress(progress)
    },
    refetch: async () => job.data,
  }
  return job satisfies TrainJobHandle
}

describe('a training', () => {
  it('runs in a process of its own, which is gone afterwards', async () => {
    const job = jobOf({ seed: 1 })
    const result = (await train(job)) as { id: string; pid: number }
    expect(result.id).toBe('model-1')
    expect(result.pid).not.toBe(process.pid)
    await expect.poll(() => isAlive(result.pid)).toBe(false)
    expect(job.progress.at(-1)).toEqual({ stage: 'epochs', done: 3, total: 3 })
  })

  it('does not hold up this process while it computes', async () => {
    let ticks = 0
    const ticking = setInterval(() => ticks++, 20)
    await train(jobOf({ seed: 1, fault: 'block' }))
    clearInterval(ticking)
    expect(ticks).toBeGreaterThan(10)
  })

  it('that fails says why, and is tried again only where that may help', async () => {
    const input = await failureOf(train(jobOf({ seed: 1, fault: 'input' })))
    expect(input).toBeInstanceOf(UnrecoverableError)
    expect(input.message).toBe('InputError: no coin named XYZ')
    const busy = await failureOf(train(jobOf({ seed: 1, fault: 'busy' })))
    expect(busy).not.toBeInstanceOf(UnrecoverableError)
    expect(busy.message).toBe('UnavailableError: the venue does not answer')
  })

  it('whose process is killed fails with that, at once', async () => {
    const error = await failureOf(train(jobOf({ seed: 1, fault: 'killed' })))
    expect(error).toBeInstanceOf(UnrecoverableError)
    expect(error.message).toMatch(/was killed by SIGKILL \(out of memory\?\)/)
  })

  it.each(['hoard buffers', 'hoard heap'])(
    'that takes too much memory (%s) fails with that, at once',
    async (fault) => {
      const limited = createTrainProcessor({ trainModule, logger, memoryMb: 200 })
      const error = await failureOf(limited(jobOf({ seed: 1, fault })))
      expect(error).toBeInstanceOf(UnrecoverableError)
      expect(error.message).toMatch(
        /^FatalError: out of memory: the (training had \d+ MB, 200 MB are allowed|JavaScript heap)/,
      )
      expect(error.message).toMatch(/--train-memory-mb/)
      // The next one starts from nothing.
      expect(await limited(jobOf({ seed: 2 }))).toMatchObject({ id: 'model-2' })
    },
  )

  it('ends when its worker must stop, and goes back to the queue', async () => {
    const stop = new AbortController()
    const job = jobOf({ seed: 1, fault: 'hang' }, () => stop.abort())
    const error = await failureOf(train(job, stop.signal))
    expect(error).not.toBeInstanceOf(UnrecoverableError)
    expect(error.message).toMatch(/the worker was stopped/)
  })

  it('ends when it is cancelled, and does not come back', async () => {
    const job = jobOf({ seed: 1, fault: 'hang' }, () => {
      job.data = { ...job.data, cancelled: true }
    })
    const error = await failureOf(train(job))
    expect(error).toBeInstanceOf(UnrecoverableError)
    expect(error.message).toMatch(/the training was cancelled/)
  })

  it('is done where its worker says, and is over when what it made is where it belongs', async () => {
    const steps: unknown[] = []
    const place: TrainingPlace = {
      async prepare(request) {
        steps.push(['prepare', request])
        return { ...request, seed: 7 }
      },
      async finish(request, result) {
        steps.push(['finish', request, (result as { id: string }).id])
      },
    }
    const placed = createTrainProcessor({ trainModule, logger, place })
    expect(await placed(jobOf({ seed: 1 }))).toMatchObject({ id: 'model-7' })
    expect(steps).toEqual([
      ['prepare', { seed: 1 }],
      ['finish', { seed: 1 }, 'model-7'],
    ])
    const lost = { ...place, finish: () => Promise.reject(new UnavailableError('the store is away')) }
    const error = await failureOf(createTrainProcessor({ trainModule, logger, place: lost })(jobOf({ seed: 1 })))
    expect(error).not.toBeInstanceOf(UnrecoverableError)
    expect(error.message).toBe('UnavailableError: the store is away')
  })

  it('with a payload of another shape is refused', async () => {
    const error = await failureOf(train({ ...jobOf({}), data: { request: 7 } }))
    expect(error.message).toMatch(/^InputError: train job: round: /)
  })
})

async function failureOf(training: Promise<unknown>): Promise<Error> {
  return training.then(
    () => new Error('it did not fail'),
    (error) => error,
  )
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
