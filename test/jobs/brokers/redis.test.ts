import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { InputError, UnavailableError } from '#data/errors.ts'
import { openBroker } from '#jobs/broker.ts'
import { silentLogger as logger } from '../silent-logger.ts'
import { brokerConformance } from './conformance.ts'

const redisUrl = process.env.REDIS_URL
const stateDirectory = 'var'

describe.skipIf(!redisUrl)('the Redis broker (REDIS_URL)', () => {
  brokerConformance(() =>
    openBroker({ redisUrl, stateDirectory, namespace: `t${randomBytes(4).toString('hex')}`, logger }),
  )
})

describe('opening a Redis broker', () => {
  it('says within seconds where no Redis answers, and never with which password', async () => {
    const redisUrl = 'redis://user:planted-secret@127.0.0.1:1/0'
    const error = await openBroker({ redisUrl, stateDirectory, logger }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(UnavailableError)
    expect(error.message).toContain('redis://127.0.0.1:1/0')
    expect(error.message).toContain('ECONNREFUSED')
    expect(error.message + JSON.stringify(error.details)).not.toContain('planted-secret')
  })

  it('says where to put the password that a Redis wants', async () => {
    const words = '-NOAUTH HELLO must be called with the client already authenticated, otherwise\r\n'
    const server = createServer((socket) => socket.on('data', () => socket.write(words)).on('error', () => {}))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const redisUrl = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
    await expect(openBroker({ redisUrl, stateDirectory, logger })).rejects.toThrow(/it wants a password: put it into/)
  })

  it('refuses an address that is none of Redis, without repeating it', async () => {
    for (const redisUrl of ['localhost:6379', 'http://:planted-secret@localhost', 'planted-secret']) {
      const error = await openBroker({ redisUrl, stateDirectory, logger }).catch((thrown) => thrown)
      expect(error).toBeInstanceOf(InputError)
      expect(error.message).toContain('REDIS_URL')
      expect(error.message).not.toContain('planted-secret')
    }
  })

  it.skipIf(!redisUrl)('refuses a namespace that cannot be one', async () => {
    await expect(openBroker({ redisUrl, stateDirectory, namespace: 'a:b', logger })).rejects.toThrow(InputError)
  })
})
