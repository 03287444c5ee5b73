import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe } from 'vitest'
import { NO_REDIS, type OwnRedis, startOwnRedis } from '../chaos/harness/redis-server.ts'
import { plantedSecretsBehaviour } from './planted/behaviour.ts'
import { REDIS_PASSWORD, REDIS_PASSWORD_IN_URL } from './planted/planted.ts'

describe.skipIf(NO_REDIS)('secrets in a fleet on Redis with a password', () => {
  let redis: OwnRedis
  beforeAll(async () => {
    redis = await startOwnRedis()
    const client = new Redis(redis.url)
    await client.config('SET', 'requirepass', REDIS_PASSWORD)
    client.disconnect()
  })
  afterAll(() => redis?.close())
  plantedSecretsBehaviour(() => redis.url.replace('://', `://:${REDIS_PASSWORD_IN_URL}@`))
})
