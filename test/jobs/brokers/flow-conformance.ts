import { DelayedError, UnrecoverableError, WaitingChildrenError } from 'bullmq'
import { expect, it } from 'vitest'
import type { Broker } from '#jobs/broker.ts'
import { ending, eventually } from './ending.ts'

/** What every broker must do with jobs that depend on each other. */
export function flowConformance(of: () => Broker): void {
  it('runs a chain of steps one after the other, each with the result of the one before', async () => {
    const broker = of()
    const queue = broker.createQueue<object, string>('chain')
    const order: string[] = []
    broker.createWorker<object, string>('chain', async (job) => {
      const [before = ''] = Object.values(await job.getChildrenValues<string>())
      order.push(job.name)
      return before + job.name
    })
    const step = (name: string, ...children: object[]) => ({
      name,
      queueName: 'chain',
      opts: { jobId: `h.${name}`, failParentOnFailure: true },
      children: children as never[],
    })
    const tree = step('ledger', step('scan', step('features', step('refresh'))))
    const flow = await broker.createFlowProducer().add(tree)
    expect(await ending(queue, flow.job)).toBe('refreshfeaturesscanledger')
    // The same flow again: nothing is added, nothing runs.
    await broker.createFlowProducer().add(tree)
    expect(await ending(queue, flow.job)).toBe('refreshfeaturesscanledger')
    expect(order).toEqual(['refresh', 'features', 'scan', 'ledger'])
    expect(await queue.getJobCounts('waiting', 'active', 'waiting-children', 'completed')).toEqual({
      waiting: 0,
      active: 0,
      'waiting-children': 0,
      completed: 4,
    })
  })

  it('lets a job that runs add children and wait for them, as often as it likes', async () => {
    const broker = of()
    const parents = broker.createQueue<object, number>('gather')
    const children = broker.createQueue<{ n: number }, number>('scatter')
    broker.createWorker<{ n: number }, number>('scatter', async (job) => job.data.n)
    let runs = 0
    broker.createWorker<object, number>('gather', async (job, token) => {
      runs++
      const parent = { id: job.id!, queue: job.queueQualifiedName }
      await children.addBulk(
        [1, 2, 3].map((n) => ({ name: 'part', data: { n }, opts: { jobId: `part.${n}`, parent } })),
      )
      // Children of known identity that have ended already count as well.
      if (await job.moveToWaitingChildren(token!)) throw new WaitingChildrenError()
      const values = Object.values(await job.getChildrenValues<number>())
      return values.reduce((sum, value) => sum + value, 0)
    })
    const job = await parents.add('sum', {})
    expect(await ending(parents, job)).toBe(6)
    expect(runs).toBe(2)
    expect((await parents.getJob(job.id!))!.attemptsMade).toBe(1)
  })

  it('goes on without a child that failed and may, and says which', async () => {
    const broker = of()
    const parents = broker.createQueue<object, unknown>('lenient')
    broker.createQueue<{ n: number }, number>('frail')
    broker.createWorker<{ n: number }, number>('frail', async (job) => {
      if (job.data.n === 2) throw new UnrecoverableError('InputError: a poisoned coin')
      return job.data.n
    })
    broker.createWorker<object, unknown>('lenient', async (job) => {
      const values = Object.values(await job.getChildrenValues<number>()).sort()
      const ignored = await job.getIgnoredChildrenFailures()
      return { values, ignored: Object.values(ignored), ids: Object.keys(ignored).map((key) => key.split(':').at(-1)) }
    })
    const children = [1, 2, 3].map((n) => ({
      name: 'child',
      queueName: 'frail',
      data: { n },
      opts: { jobId: `frail.${n}`, ignoreDependencyOnFailure: true },
    }))
    const flow = await broker.createFlowProducer().add({ name: 'gather', queueName: 'lenient', data: {}, children })
    expect(await ending(parents, flow.job)).toEqual({
      values: [1, 3],
      ignored: ['InputError: a poisoned coin'],
      ids: ['frail.2'],
    })
  })

  it('fails what waits for a step that failed for good, up to the root', async () => {
    const broker = of()
    const queue = broker.createQueue<object, string>('strict')
    let runs = 0
    broker.createWorker<object, string>('strict', async (job) => {
      runs++
      if (job.name === 'dataset') throw new UnrecoverableError('FatalError: the disk is full')
      return job.name
    })
    const opts = { failParentOnFailure: true }
    const flow = await broker.createFlowProducer().add({
      name: 'promote',
      queueName: 'strict',
      children: [
        { name: 'train', queueName: 'strict', opts, children: [{ name: 'dataset', queueName: 'strict', opts }] },
      ],
    })
    const failure = await ending(queue, flow.job).catch((error: Error) => error.message)
    expect(failure).toMatch(/^child \S+ failed$/)
    expect(runs).toBe(1)
    expect(await queue.getJobCounts('failed', 'waiting-children')).toEqual({ failed: 3, 'waiting-children': 0 })
  })

  it('lets a parent go on when the children that nobody has begun are taken back', async () => {
    const broker = of()
    const parents = broker.createQueue<object, string>('impatient')
    const children = broker.createQueue<object, void>('unbegun')
    // One by one: of `removeUnprocessedChildren` PostgreSQL's parent never hears (6.7.0: the children's rows go, what
    // says that the parent waits for them stays, and the parent can neither go on nor complete).
    const part = (n: number) => ({ name: 'part', queueName: 'unbegun', data: {}, opts: { jobId: `part.${n}` } })
    const flow = await broker
      .createFlowProducer()
      .add({ name: 'whole', queueName: 'impatient', children: [part(1), part(2)] })
    broker.createWorker<object, string>('impatient', async () => 'done')
    expect(await children.remove('part.1')).toBe(1)
    expect(await flow.job.getState()).toBe('waiting-children')
    expect(await children.remove('part.2')).toBe(1)
    expect(await ending(parents, flow.job)).toBe('done')
  })

  it('puts a job off when it asks so itself, without counting an attempt', async () => {
    const broker = of()
    const queue = broker.createQueue<object, number>('later')
    const times: number[] = []
    broker.createWorker<object, number>('later', async (job, token) => {
      times.push(Date.now())
      if (times.length === 1) {
        await job.moveToDelayed(Date.now() + 120, token)
        throw new DelayedError()
      }
      return times.length
    })
    const job = await queue.add('wait', {}, { attempts: 1 })
    expect(await ending(queue, job)).toBe(2)
    expect(times[1] - times[0]).toBeGreaterThanOrEqual(119)
    expect((await queue.getJob(job.id!))!.attemptsMade).toBe(1)
  })

  it('pauses a queue for all, and goes on where it was', async () => {
    const broker = of()
    const queue = broker.createQueue<object, number>('paused')
    let runs = 0
    broker.createWorker<object, number>('paused', async () => ++runs)
    await queue.pause()
    expect(await queue.isPaused()).toBe(true)
    const job = await queue.add('work', {})
    expect(await queue.getJobCounts('waiting')).toEqual({ waiting: 1 })
    expect(runs).toBe(0)
    await queue.resume()
    expect(await ending(queue, job)).toBe(1)
  })

  it('lists who works, by name', async () => {
    const broker = of()
    const queue = broker.createQueue<object, void>('staffed')
    const workers = [
      broker.createWorker<object, void>('staffed', async () => {}, { name: '7@elsewhere' }),
      broker.createWorker<object, void>('staffed', async () => {}),
    ]
    await Promise.all(workers.map((worker) => worker.waitUntilReady()))
    const names = async () => (await queue.getWorkers()).map(({ name, rawname }) => `${name} ${rawname}`)
    await eventually(async () => (await names()).length === 2)
    expect((await names()).join('\n')).toContain(':w:7@elsewhere')
    expect((await names()).join('\n')).toContain(`:w:${process.pid}@`)
    await workers[0].close()
    await eventually(async () => (await names()).length === 1)
  })
}
