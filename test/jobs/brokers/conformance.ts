import { randomBytes } from 'node:crypto'
import { UnrecoverableError } from 'bullmq'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Broker } from '#jobs/broker.ts'
import { ending } from './ending.ts'
import { flowConformance } from './flow-conformance.ts'
import { scheduleConformance } from './schedule-conformance.ts'

/** What every broker must do for us. Call inside `describe`. */
export function brokerConformance(open: () => Promise<Broker>): void {
  let broker: Broker

  beforeAll(async () => {
    broker = await open()
  })
  afterAll(async () => {
    await broker?.removeQueues()
    await broker?.close()
  })

  it('takes a job to a worker and its result back', async () => {
    const queue = broker.createQueue<{ n: number }, { twice: number }>('result')
    broker.createWorker<{ n: number }, { twice: number }>('result', async (job) => ({ twice: 2 * job.data.n }))
    const job = await queue.add('double', { n: 21 })
    expect(await ending(queue, job)).toEqual({ twice: 42 })
  })

  it('adds a job of known identity once', async () => {
    const queue = broker.createQueue<{ n: number }, number>('identity')
    let runs = 0
    broker.createWorker<{ n: number }, number>('identity', async () => ++runs)
    const first = await queue.add('once', { n: 1 }, { jobId: 'same' })
    await ending(queue, first)
    const second = await queue.add('once', { n: 1 }, { jobId: 'same' })
    expect(await ending(queue, second)).toBe(1)
    expect(runs).toBe(1)
  })

  it('fails a job that cannot be mended at once, with its words', async () => {
    const queue = broker.createQueue<object, void>('hopeless')
    let runs = 0
    broker.createWorker<object, void>('hopeless', async () => {
      runs++
      throw new UnrecoverableError('InputError: no such coin')
    })
    const job = await queue.add('fail', {}, { attempts: 5, backoff: 10 })
    await expect(ending(queue, job)).rejects.toThrow('InputError: no such coin')
    expect(runs).toBe(1)
  })

  it('tries a job again after a pause that grows', async () => {
    const queue = broker.createQueue<object, string>('retry')
    const times: number[] = []
    broker.createWorker<object, string>('retry', async () => {
      times.push(performance.now())
      if (times.length < 3) throw new Error('not yet')
      return 'now'
    })
    const job = await queue.add('retry', {}, { attempts: 3, backoff: { type: 'exponential', delay: 60 } })
    expect(await ending(queue, job)).toBe('now')
    expect(times).toHaveLength(3)
    expect(times[1] - times[0]).toBeGreaterThan(50)
    expect(times[2] - times[1]).toBeGreaterThan(100)
  })

  it('tells the progress of a job while it runs', async () => {
    const queue = broker.createQueue<object, void>('progress')
    const events = await broker.createQueueEvents('progress')
    const heard: unknown[] = []
    const all = new Promise<void>((resolve) => {
      events.on('progress', ({ data }) => {
        heard.push(data)
        if (heard.length === 3) resolve()
      })
    })
    broker.createWorker<object, void>('progress', async (job) => {
      for (let done = 1; done <= 3; done++) await job.updateProgress({ stage: 'train', done, total: 3 })
    })
    const job = await queue.add('train', {})
    await ending(queue, job)
    await all
    expect(heard).toEqual([1, 2, 3].map((done) => ({ stage: 'train', done, total: 3 })))
  })

  it('runs the parent of a flow after its children, with their results', async () => {
    const parents = broker.createQueue<object, number>('parents')
    broker.createQueue<{ n: number }, number>('children')
    broker.createWorker<{ n: number }, number>('children', async (job) => job.data.n)
    broker.createWorker<object, number>('parents', async (job) => {
      const values = await job.getChildrenValues<number>()
      return Object.values(values).reduce((sum, value) => sum + value, 0)
    })
    const children = [1, 2, 3].map((n) => ({ name: 'child', queueName: 'children', data: { n } }))
    const flow = await broker.createFlowProducer().add({ name: 'sum', queueName: 'parents', data: {}, children })
    expect(await ending(parents, flow.job)).toBe(6)
  })

  it('shares jobs between two workers', async () => {
    const queue = broker.createQueue<object, string>('shared')
    for (const name of ['a', 'b']) {
      broker.createWorker<object, string>('shared', async () => {
        await new Promise((resolve) => setTimeout(resolve, 20))
        return name
      })
    }
    const jobs = await queue.addBulk(Array.from({ length: 10 }, () => ({ name: 'work', data: {} })))
    const names = await Promise.all(jobs.map((job) => ending(queue, job)))
    expect(new Set(names)).toEqual(new Set(['a', 'b']))
  })

  it('carries 300 kB there and back', async () => {
    const queue = broker.createQueue<{ text: string }, { text: string }>('large')
    broker.createWorker<{ text: string }, { text: string }>('large', async (job) => job.data)
    const text = randomBytes(225_000).toString('base64')
    const job = await queue.add('echo', { text })
    expect((await ending(queue, job)).text).toBe(text)
  })

  flowConformance(() => broker)
  scheduleConformance(() => broker)

  it('answers a ping', async () => {
    await broker.ping()
  })

  it('removes queues with their jobs', async () => {
    const queue = broker.createQueue<object, void>('removed')
    await queue.addBulk([1, 2, 3].map((n) => ({ name: 'job', data: { n } })))
    expect(await queue.count()).toBe(3)
    await broker.removeQueues()
    expect(await queue.count()).toBe(0)
  })

  it('names its place without secrets', () => {
    expect(broker.connection).toMatch(/^(redis|rediss|postgres):\/\/[^@]+$/)
  })
}
