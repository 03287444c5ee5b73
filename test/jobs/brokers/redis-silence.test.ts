import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { UnavailableError } from '#data/errors.ts'
import type { Broker } from '#jobs/broker.ts'
import { openRedisBroker } from '#jobs/brokers/redis.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { ending } from './ending.ts'

const redisUrl = process.env.REDIS_URL
const closing: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A way to Redis that can be cut as a network is: nothing is refused or reset, nothing comes through any more. */
async function cuttableWay(target: URL) {
  /** Connections that saw a cut stay silent for ever, also when the way is open again. */
  const silent = new Map<Socket, boolean>()
  const pairs = new Set<readonly [Socket, Socket]>()
  let cut = false
  let attempts = 0
  const server = createServer((near) => {
    attempts++
    const far = connect(Number(target.port || 6379), target.hostname)
    const pair = [near, far] as const
    pairs.add(pair)
    silent.set(near, cut)
    const pass = (to: Socket) => (data: Buffer) => {
      if (cut) silent.set(near, true)
      if (!silent.get(near)) to.write(data)
    }
    near.on('data', pass(far))
    far.on('data', pass(near))
    for (const socket of pair) socket.on('error', () => {}).on('close', () => pair.map((other) => other.destroy()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    for (const pair of pairs) for (const socket of pair) socket.destroy()
    server.close()
  })
  const url = new URL(target)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    attempts: () => attempts,
    setCut(now: boolean) {
      cut = now
    },
  }
}

describe.skipIf(!redisUrl)('a network to Redis that falls silent (REDIS_URL)', () => {
  it('is noticed, and what was asked meanwhile is done when it is back, by workers too', async () => {
    const way = await cuttableWay(new URL(redisUrl!))
    const namespace = `t${randomBytes(4).toString('hex')}`
    const options = { namespace, logger, silence: 400, connectTimeout: 500 }
    const broker = await openRedisBroker({ ...options, url: way.url })
    const direct = await openRedisBroker({ ...options, url: redisUrl! })
    closing.push(async () => {
      await direct.removeQueues()
      await Promise.all([broker, direct].map((one: Broker) => one.close()))
    })
    const queue = broker.createQueue<{ n: number }, number>('silent')
    const seen = direct.createQueue<{ n: number }, number>('silent')
    const worker = broker.createWorker<{ n: number }, number>('silent', async (job) => job.data.n)
    await worker.waitUntilReady()
    await ending(seen, await queue.add('before', { n: 0 }, { jobId: 'n.0' }))

    way.setCut(true)
    const before = way.attempts()
    const adding = queue.add('meanwhile', { n: 1 }, { jobId: 'n.1' })
    await seen.add('elsewhere', { n: 2 }, { jobId: 'n.2' })
    await expect(broker.ping()).rejects.toThrow(UnavailableError)
    expect(await seen.getJobState('n.1')).toBe('unknown')
    // Two connections: a handful of attempts in half a second, no storm.
    expect(way.attempts() - before).toBeLessThan(10)

    way.setCut(false)
    expect((await adding).id).toBe('n.1')
    expect(await ending(seen, { id: 'n.1' })).toBe(1)
    expect(await ending(seen, { id: 'n.2' })).toBe(2)
    await broker.ping()
  })
})
