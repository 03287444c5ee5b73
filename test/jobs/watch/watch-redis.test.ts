import { describe } from 'vitest'
import { watchBehaviour } from './watch-behaviour.ts'

const redisUrl = process.env.REDIS_URL

describe.skipIf(!redisUrl)('watching a fleet on Redis (REDIS_URL)', () => watchBehaviour(redisUrl))
