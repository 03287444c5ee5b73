import { createRedisBackend } from 'bullmq'
import { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { UnavailableError } from '#data/errors.ts'
import { checkNamespace, parseAddress, withoutSecrets } from './address.ts'
import { type Broker, createBullBroker } from './bull.ts'
import { createComplaints } from './complaints.ts'

export interface RedisBrokerOptions {
  /** `redis://[user:password@]host:port[/database]`, `rediss://` for TLS. */
  readonly url: string
  readonly namespace: string
  readonly logger: Logger
  /** Milliseconds to wait for the first answer, default 3,000. */
  readonly connectTimeout?: number
}

/** Longest wait between two attempts to reconnect, milliseconds. */
const LONGEST_RECONNECT = 5_000

/**
 * The production broker: BullMQ on Redis through ioredis.
 *
 * One connection serves all queues; BullMQ doubles it for each worker and listener, which block on theirs.
 *
 * @throws {InputError} when the URL is none of Redis
 * @throws {UnavailableError} when no Redis answers there in time
 */
export async function openRedisBroker(options: RedisBrokerOptions): Promise<Broker> {
  const url = parseAddress(options.url, 'REDIS_URL', ['redis:', 'rediss:'])
  const connection = withoutSecrets(url)
  await probe(options.url, connection, options.connectTimeout ?? 3_000)

  const client = new Redis(options.url, {
    // BullMQ's blocking commands must outlive a restart of Redis.
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, LONGEST_RECONNECT),
  })
  const complain = createComplaints(options.logger, 'redis')
  client.on('error', (error) => complain('client', error))

  return createBullBroker({
    name: 'redis',
    connection,
    namespace: checkNamespace(options.namespace),
    factory: createRedisBackend,
    connect: client,
    workerEnvironment: { REDIS_URL: options.url, MILLRACE_POSTGRES_URL: '', MILLRACE_NAMESPACE: options.namespace },
    logger: options.logger,
    complain,
    async release() {
      await client.quit().catch(() => client.disconnect())
    },
  })
}

/** One question with a short patience: the lasting connection would wait for ever. */
async function probe(url: string, connection: string, timeout: number): Promise<void> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: timeout,
    commandTimeout: timeout,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  let reason = 'no answer'
  client.on('error', (error) => {
    reason = error.message
  })
  try {
    await client.connect()
    await client.ping()
  } catch (error) {
    if (error instanceof Error && !/Connection is closed/.test(error.message)) reason = error.message
    // The server's own words on a missing password are three lines on its protocol.
    if (/^NOAUTH/.test(reason)) reason = 'it wants a password: put it into REDIS_URL, redis://:password@host:port'
    throw new UnavailableError(
      `Redis at ${connection} cannot be used: ${reason.replace(/\.+$/, '')}. Start it, correct REDIS_URL, or unset REDIS_URL to use the embedded broker`,
      { connection },
      error,
    )
  } finally {
    client.disconnect()
  }
}
