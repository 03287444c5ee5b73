import { hostname } from 'node:os'
import type { Telemetry } from 'bullmq'
import { describe, expect, it, vi } from 'vitest'
import { createBullBroker } from '#jobs/brokers/bull.ts'
import { silentLogger as logger } from '../silent-logger.ts'

const closed = vi.hoisted(() => [] as string[])
const made = vi.hoisted(() => [] as Record<string, unknown>[])
vi.mock('bullmq', () => {
  const part = (kind: string) =>
    class {
      name: string
      constructor(name: string, ...rest: object[]) {
        this.name = name
        made.push({ kind, ...rest.at(-1) })
      }
      on() {}
      async close() {
        closed.push(`${kind} ${this.name}`)
        if (this.name === 'broken') throw new Error('the connection is gone')
      }
    }
  return {
    withBackend: () => ({
      Queue: part('queue'),
      Worker: part('worker'),
      QueueEvents: part('events'),
      FlowProducer: class extends part('flows') {
        constructor(options: object) {
          super('', options)
        }
      },
    }),
  }
})

const driver = {
  name: 'postgres' as const,
  connection: 'nowhere',
  namespace: 'test',
  factory: undefined as never,
  connect: {},
  workerEnvironment: {},
  remarks: [],
  logger,
  async ping() {},
  newestEvent: async () => '0',
  async release() {},
}

describe('a broker', () => {
  it('names its workers, and shows all that adds and does jobs to who wants to trace them', () => {
    const telemetry = { tracer: {}, contextManager: {} } as unknown as Telemetry
    const broker = createBullBroker({ ...driver, telemetry })
    broker.createQueue('one')
    broker.createWorker('one', async () => 0)
    broker.createWorker('one', async () => 0, { name: 'home' })
    broker.createFlowProducer()
    expect(made.map(({ kind }) => kind)).toEqual(['queue', 'worker', 'worker', 'flows'])
    for (const options of made) expect(options.telemetry).toBe(telemetry)
    expect(made.map(({ name }) => name)).toEqual([undefined, `${process.pid}@${hostname()}`, 'home', undefined])
  })

  it('closes all of it and releases the server although one part fails, and says what failed', async () => {
    let released = false
    const broker = createBullBroker({
      ...driver,
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
