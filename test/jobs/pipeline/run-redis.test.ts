import { describe } from 'vitest'
import { describeRun } from './run-behaviour.ts'

describe.skipIf(!process.env.REDIS_URL)('with REDIS_URL', () => {
  describeRun('redis', { redisUrl: process.env.REDIS_URL })
})
