import { describe } from 'vitest'
import { retrainingBehaviour } from './retraining-behaviour.ts'

const redisUrl = process.env.REDIS_URL

describe.skipIf(!redisUrl)('retraining on Redis (REDIS_URL)', () => retrainingBehaviour(redisUrl))
