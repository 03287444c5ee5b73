import { describe, expect, it, vi } from 'vitest'
import { createBullBroker } from '#jobs/brokers/bull.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const closed = vi.hoisted(() => [] as string[])
vi.mock('bullmq', () => {
  const part = (kind: string) =>
    class {
      name: string
      constructor(name: string) {
        this.name = name
      }
      on() {}
      async close() {
        closed.push(`${kind} ${this.name}`)
        if (this.name === 'broken') throw new Error('the connection is gone')
      }
    }
  return { withBackend: () => ({ Queue: part('queue'), Worker: part('worker'), QueueEvents: part('events') }) }
})

describe('closing a broker', () => {
  it('closes all of it and releases the server although one part fails, and says what failed', async () => {
    let released = false
    const broker = createBullBroker({
      name: 'postgres',
      connection: 'nowhere',
      namespace: 'test',
      factory: undefined as never,
      connect: {},
      workerEnvironment: {},
      remarks: [],
      logger,
      async ping() {},
      newestEvent: async () => '0',
      async release() {
        released = true
      },
    })
    broker.createQueue('one')
    broker.createWorker('broken', async () => 0)
    broker.createWorker('two', async () => 0)
    await expect(broker.close()).rejects.toThrow('the connection is gone')
    expect(closed).toEqual(['worker broken', 'worker two', 'queue one'])
    expect(released).toBe(true)
  })
})
