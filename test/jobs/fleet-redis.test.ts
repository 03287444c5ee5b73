import { describe } from 'vitest'
import { fleetBehaviour } from './fleet-behaviour.ts'

const redisUrl = process.env.REDIS_URL

describe.skipIf(!redisUrl)('the fleet on Redis (REDIS_URL)', () => fleetBehaviour(redisUrl))
