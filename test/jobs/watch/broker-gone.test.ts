import { describe, expect, it, onTestFinished } from 'vitest'
import { openBroker } from '#jobs/broker.ts'
import { openRecords } from '#jobs/records.ts'
import { createBrokerLook, openFleetQueues } from '#jobs/watch/broker-look.ts'
import { createStatusCollector } from '#jobs/watch/collect.ts'
import { sayFarewell } from '#jobs/watch/farewell.ts'
import { createRoster } from '#jobs/watch/roster.ts'
import { NO_REDIS, startOwnRedis } from '../../chaos/harness/redis-server.ts'
import { silentLogger as logger } from '../silent-logger.ts'

describe.skipIf(NO_REDIS)('a broker that is gone', () => {
  it('is said to be gone within the patience, asked no second time meanwhile, and found again', async () => {
    const redis = await startOwnRedis()
    const broker = await openBroker({ redisUrl: redis.url, stateDirectory: '/nowhere', logger })
    onTestFinished(async () => {
      await broker.close().catch(() => {})
      await redis.close()
    })
    const records = openRecords(':memory:')
    const roster = createRoster(records, Date.now)
    const ledger = async () => undefined
    const look = createBrokerLook(broker, openFleetQueues(broker), Date.now, 300)
    const sources = { brokerName: broker.name, look, records, ledger, roster, due: () => 0, now: Date.now }
    const collect = () => createStatusCollector(sources)()
    expect((await collect()).broker).toEqual({ name: 'redis', reachable: true })

    await redis.kill()
    const words = 'redis did not answer within 0.3 s'
    expect((await collect()).broker).toEqual({ name: 'redis', reachable: false, words })
    // A worker that ends now is not kept from it.
    await expect(sayFarewell(broker, '1@here', 300)).rejects.toThrow('the farewell of worker 1@here was not taken')
    expect((await collect()).broker.reachable).toBe(false)

    await redis.start()
    await expect.poll(async () => (await collect()).broker.reachable, { timeout: 20_000 }).toBe(true)
  })
})
