import { UnrecoverableError } from 'bullmq'
import { describe, expect, it, vi } from 'vitest'
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
