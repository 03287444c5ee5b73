import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { UnavailableError } from '#data/errors.ts'
import type { Broker } from '#jobs/broker.ts'
import { jobId, type TrainJob } from '#jobs/queues.ts'
import { identified, runRound } from '#jobs/round.ts'

interface StoredJob {
  readonly data: TrainJob
  state: 'waiting' | 'active' | 'completed' | 'failed'
  returnvalue?: unknown
  failedReason?: string
}

/** A broker in memory that loses what it is told to; real ones are tested in `fleet-behaviour.ts`. */
function memoryBroker() {
  const events = Object.assign(new EventEmitter(), { close: async () => {} })
  const jobs = new Map<string, StoredJob>()
  const added: string[] = []
  const queue = {
    async addBulk(bulk: { data: TrainJob; opts: { jobId: string } }[]) {
      for (const { data, opts } of bulk) {
        added.push(opts.jobId)
        if (!jobs.has(opts.jobId)) jobs.set(opts.jobId, { data, state: 'waiting' })
      }
    },
    getJobState: async (id: string) => jobs.get(id)?.state ?? 'unknown',
    async getJob(id: string) {
      const job = jobs.get(id)
      return job && { ...job, updateData: async (data: TrainJob) => void jobs.set(id, { ...job, data }) }
    },
    async remove(id: string) {
      if (jobs.get(id)?.state !== 'waiting') return 0
      jobs.delete(id)
      return 1
    },
    clean: async () => [],
    getWorkersCount: async () => 0,
  }
  const broker = { connection: 'memory', createQueue: () => queue, createQueueEvents: async () => events }
  return { broker: broker as unknown as Broker, events, jobs, added }
}

const payloads: TrainJob[] = [1, 2].map((seed) => ({ round: 'r', request: { seed } }))
const ids = payloads.map((payload) => jobId(payload))

function start(memory: ReturnType<typeof memoryBroker>, more: { signal?: AbortSignal; patience?: number } = {}) {
  const { broker } = memory
  return runRound({
    broker,
    queue: 'train',
    jobs: payloads.map(identified),
    parse: (value) => value,
    patience: 10_000,
    ...more,
  })
}

describe('a round', () => {
  it('is given up where the broker went away for good, and does not wait for it to take jobs back', async () => {
    const memory = memoryBroker()
    const never = () => new Promise<never>(() => {})
    const gone = { ...memory.broker.createQueue('train'), getJobState: never, remove: never, getWorkersCount: never }
    Object.assign(memory.broker, { createQueue: () => gone })
    await expect(start(memory, { patience: 300 })).rejects.toThrow(
      /2 of 2 train jobs are open .*broker does not answer/,
    )
  }, 15_000)

  it('gathers what events tell, in the order of its payloads', async () => {
    const { events, added, ...memory } = memoryBroker()
    const round = start({ events, added, ...memory })
    await expect.poll(() => added.length).toBe(2)
    events.emit('completed', { jobId: 'of another round', returnvalue: 0 })
    events.emit('failed', { jobId: ids[1], failedReason: 'InputError: no such coin' })
    const early = await Promise.race([
      round.then(() => 'over'),
      new Promise((resolve) => setTimeout(resolve, 50, 'open')),
    ])
    expect(early).toBe('open')
    events.emit('completed', { jobId: ids[0], returnvalue: 'model' })
    const [first, second] = await round
    expect(first).toEqual({ ok: true, result: 'model' })
    expect(second).toMatchObject({ ok: false, error: { name: 'InputError', message: 'no such coin' } })
    expect(events.listenerCount('completed')).toBe(0)
  })

  it('looks up how jobs ended whose events were lost', async () => {
    const memory = memoryBroker()
    const round = start(memory)
    await expect.poll(() => memory.jobs.size).toBe(2)
    Object.assign(memory.jobs.get(ids[0])!, { state: 'completed', returnvalue: 7 })
    Object.assign(memory.jobs.get(ids[1])!, { state: 'failed', failedReason: 'ModelError: diverged' })
    expect(await round).toMatchObject([
      { ok: true, result: 7 },
      { ok: false, error: { message: 'diverged' } },
    ])
  })

  it('asks job by job only while it hears nothing', async () => {
    const memory = memoryBroker()
    const many: TrainJob[] = Array.from({ length: 40 }, (_, seed) => ({ round: 'many', request: { seed } }))
    const names = many.map((payload) => jobId(payload))
    const asked: string[] = []
    const getJobState = async (id: string) => {
      asked.push(id)
      // It paused for breath: while it is asked about the first, another one ends.
      memory.events.emit('completed', { jobId: names[39 - asked.length], returnvalue: 0 })
      return 'active'
    }
    const queue = { ...memory.broker.createQueue('train'), getJobState }
    Object.assign(memory.broker, { createQueue: () => queue })
    const round = runRound({
      broker: memory.broker,
      queue: 'train',
      jobs: many.map(identified),
      parse: () => 0,
      patience: 10_000,
    })
    await expect.poll(() => asked.length).toBeGreaterThan(0)
    expect(asked).toHaveLength(1)
    for (const name of names) memory.events.emit('completed', { jobId: name, returnvalue: 0 })
    expect(await round).toHaveLength(40)
  })

  it('adds again what the broker has forgotten', async () => {
    const memory = memoryBroker()
    const round = start(memory)
    await expect.poll(() => memory.jobs.size).toBe(2)
    memory.jobs.delete(ids[0])
    await expect.poll(() => memory.added.slice(2)).toEqual([ids[0]])
    for (const id of ids) memory.events.emit('completed', { jobId: id, returnvalue: id })
    expect(await round).toHaveLength(2)
  })

  it('gives up after its patience, and says how many workers there are', async () => {
    const memory = memoryBroker()
    const round = start(memory, { patience: 30 })
    await expect(round).rejects.toBeInstanceOf(UnavailableError)
    await expect(round).rejects.toThrow(/2 of 2 train jobs are open .* \(workers at memory: 0\): start workers/)
    expect(memory.jobs.size).toBe(0)
  })

  it('takes back what waits and tells what runs to end when it is aborted', async () => {
    const memory = memoryBroker()
    const stop = new AbortController()
    const round = start(memory, { signal: stop.signal })
    await expect.poll(() => memory.jobs.size).toBe(2)
    memory.jobs.get(ids[1])!.state = 'active'
    stop.abort(new Error('enough'))
    await expect(round).rejects.toThrow('enough')
    expect([...memory.jobs.keys()]).toEqual([ids[1]])
    expect(memory.jobs.get(ids[1])!.data).toEqual({ ...payloads[1], cancelled: true })
    expect(memory.events.listenerCount('completed')).toBe(0)
  })

  it('does the same work in one round once', async () => {
    const memory = memoryBroker()
    const twice = [payloads[0], payloads[0]]
    const { broker } = memory
    const round = runRound({
      broker,
      queue: 'train',
      jobs: twice.map(identified),
      parse: (value) => value,
      patience: 10_000,
    })
    await expect.poll(() => memory.added).toEqual([ids[0]])
    memory.events.emit('completed', { jobId: ids[0], returnvalue: 7 })
    expect(await round).toEqual([
      { ok: true, result: 7 },
      { ok: true, result: 7 },
    ])
  })
})
