import { describe } from 'vitest'
import { deadLetterBehaviour } from './behaviour.ts'

const redisUrl = process.env.REDIS_URL

describe.skipIf(!redisUrl)('dead letters on Redis (REDIS_URL)', () => deadLetterBehaviour(redisUrl))
