import { describe } from 'vitest'
import { roundsBehaviour } from './rounds-behaviour.ts'

const redisUrl = process.env.REDIS_URL

describe.skipIf(!redisUrl)('rounds on Redis (REDIS_URL)', () => roundsBehaviour(redisUrl))
