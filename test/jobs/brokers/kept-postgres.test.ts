import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { UnavailableError } from '#data/errors.ts'
import { type Broker, openBroker } from '#jobs/broker.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { ending, eventually } from './ending.ts'

const WORKER = fileURLToPath(new URL('../fixtures/echo-worker.ts', import.meta.url))
/** Short, so that a job whose worker lost sight of it is soon taken up again. */
const LOCKS = { lockDuration: 2_000, stalledInterval: 500 }

let stateDirectory: string
const open: Broker[] = []
const children: ChildProcess[] = []
beforeAll(async () => {
  stateDirectory = await mkdtemp(join(tmpdir(), 'millrace-kept-'))
  // Whatever account the server runs as must be able to get here, as in most checkouts.
  await chmod(stateDirectory, 0o755)
})
afterAll(() => rm(stateDirectory, { recursive: true, force: true }))
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  for (const broker of open.splice(0)) await broker.close()
})

async function keep(): Promise<Broker> {
  const broker = await openBroker({ stateDirectory, keep: true, logger })
  open.push(broker)
  return broker
}
const kept = (file: string) => readFile(join(stateDirectory, 'broker', 'kept', file), 'utf8')
const postmaster = async () => Number((await kept('data/postmaster.pid')).split('\n')[0])
const url = (broker: Broker) => broker.workerEnvironment().MILLRACE_POSTGRES_URL

describe('the embedded PostgreSQL that is kept', () => {
  it('has the jobs and schedules of the run before, at the same address, for one owner at a time', async () => {
    const first = await keep()
    const before = first.createQueue<{ n: number }, number>('lasting')
    await before.add('job', { n: 1 }, { jobId: 'lasting.1' })
    await before.upsertJobScheduler('hourly', { pattern: '0 5 * * * *', tz: 'UTC' }, { name: 'tick' })

    const refusal = await keep().catch((error) => error)
    expect(refusal).toBeInstanceOf(UnavailableError)
    expect(refusal.message).toMatch(new RegExp(`belongs to process ${process.pid} on .*stop that one first`))
    await first.close()

    const second = await keep()
    expect(url(second)).toBe(url(first))
    const after = second.createQueue<{ n: number }, number>('lasting')
    expect(await after.getJobSchedulers()).toMatchObject([{ key: 'hourly' }])
    second.createWorker<{ n: number }, number>('lasting', async (job) => job.data.n + 1)
    expect(await ending(after, { id: 'lasting.1' })).toBe(2)
  })

  it('goes on after its server was killed in the midst of a flow: all is done, nothing fails, here and elsewhere', async () => {
    const broker = await keep()
    const numbers = Array.from({ length: 40 }, (_, n) => n)
    const part = (n: number) => ({
      name: 'part',
      queueName: 'parts',
      data: { n },
      opts: { jobId: `part.${n}`, failParentOnFailure: true },
    })
    const parts = broker.createQueue<{ n: number }, number>('parts')
    const sums = broker.createQueue<object, number>('sums')
    const events = await broker.createQueueEvents('sums')
    broker.createWorker<object, number>(
      'sums',
      async (job) => Object.values(await job.getChildrenValues<number>()).reduce((sum, value) => sum + value, 0),
      LOCKS,
    )
    const heard = new Promise((resolve) => events.once('completed', resolve))

    const child = fork(WORKER, ['parts'], { env: { ...process.env, ...broker.workerEnvironment() } })
    children.push(child)
    const taken: number[] = []
    child.on('message', (message: { taken?: number }) => {
      if (message.taken !== undefined) taken.push(message.taken)
    })
    await once(child, 'message')
    const flow = await broker.createFlowProducer().add({ name: 'sum', queueName: 'sums', children: numbers.map(part) })

    await eventually(async () => taken.length >= 5)
    const killed = await postmaster()
    process.kill(killed, 'SIGKILL')
    // What is asked while it is away waits for it: of queues that were there, and of those that were not.
    expect((await parts.add('part', { n: 3 }, { jobId: 'part.3' })).id).toBe('part.3')
    expect(await broker.createQueue<object, void>('new').count()).toBe(0)
    await broker.createFlowProducer().add({ name: 'sum', queueName: 'other', opts: { jobId: 'other' } })

    expect(await ending(sums, flow.job)).toBe(numbers.reduce((sum, n) => sum + n, 0))
    expect(await parts.getJobCounts('completed', 'failed')).toEqual({ completed: numbers.length, failed: 0 })
    await heard
    expect(await postmaster()).not.toBe(killed)
    await broker.ping()
  })

  it('is taken over by a new keeper when its keeper is killed, and ends what that one left', async () => {
    const broker = await keep()
    const queue = broker.createQueue<{ n: number }, number>('orphaned')
    const keeper = Number((await readFile(`/proc/${await postmaster()}/stat`, 'utf8')).split(') ')[1].split(' ')[1])
    const orphan = await postmaster()
    process.kill(keeper, 'SIGKILL')
    await eventually(async () => (await postmaster().catch(() => orphan)) !== orphan)
    broker.createWorker<{ n: number }, number>('orphaned', async (job) => job.data.n + 1, LOCKS)
    expect(await ending(queue, await queue.add('job', { n: 1 }, { jobId: 'orphan.1' }))).toBe(2)
  })
})
