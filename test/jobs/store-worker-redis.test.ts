import { describe } from 'vitest'
import { storeWorkerBehaviour } from './store-worker-behaviour.ts'

const redisUrl = process.env.REDIS_URL

describe.skipIf(!redisUrl)('workers with Redis and a store (REDIS_URL)', () => storeWorkerBehaviour(redisUrl))
