import { setTimeout as delay } from 'node:timers/promises'
import { createRedisBackend, type Telemetry } from 'bullmq'
import { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { UnavailableError } from '#data/errors.ts'
import { keepSecret } from '../secrets.ts'
import { checkNamespace, parseAddress, withoutSecrets } from './address.ts'
import { type Broker, createBullBroker } from './bull.ts'
import { createComplaints } from './complaints.ts'
import { redisRemarks } from './redis-remarks.ts'

export interface RedisBrokerOptions {
  /** `redis://[user:password@]host:port[/database]`, `rediss://` for TLS. */
  readonly url: string
  readonly namespace: string
  readonly logger: Logger
  readonly telemetry?: Telemetry
  /** Milliseconds to wait for an answer to a question of ours, default 3,000. */
  readonly connectTimeout?: number
  /** Milliseconds that an answer may be due before the network is taken for cut, default 15,000. */
  readonly silence?: number
}

/** Longest wait between two attempts to reconnect, and for one of them, milliseconds. */
const LONGEST_RECONNECT = 5_000
/**
 * A cut network that resets nothing leaves connections open that nobody answers. BullMQ blocks for 10 s at most
 * (`BZPOPMIN`, `XREAD`), so an answer that is due for longer will not come; then the connection is made anew and what was
 * asked is asked again. One that waits for nothing is looked after by TCP.
 */
const SILENCE = 15_000
const KEEP_ALIVE = 10_000

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
  keepSecret(options.url)
  const patience = options.connectTimeout ?? 3_000
  const remarks = await probe(options.url, connection, patience)

  const client = new Redis(options.url, {
    // BullMQ's blocking commands must outlive a restart of Redis.
    maxRetriesPerRequest: null,
    // The connections of a fleet that lost its Redis shall not all come back at the same moment.
    retryStrategy: (attempt) => Math.min(100 * 2 ** attempt, LONGEST_RECONNECT) * (0.5 + Math.random() / 2),
    connectTimeout: LONGEST_RECONNECT,
    keepAlive: KEEP_ALIVE,
    socketTimeout: options.silence ?? SILENCE,
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
    remarks,
    logger: options.logger,
    telemetry: options.telemetry,
    complain,
    ping: createPing(client, connection, patience),
    async newestEvent(queue) {
      const [newest] = await client.xrevrange(`${options.namespace}:${queue}:events`, '+', '-', 'COUNT', 1)
      return newest?.[0] ?? '0-0'
    },
    async release() {
      await client.quit().catch(() => client.disconnect())
    },
  })
}

/** A question on the lasting connection, which keeps what it cannot send: never more than one of them. */
function createPing(client: Redis, connection: string, patience: number): () => Promise<void> {
  let asked: Promise<unknown> | undefined
  return async () => {
    asked ??= client.ping().finally(() => {
      asked = undefined
    })
    const late = new AbortController()
    try {
      await Promise.race([
        asked,
        delay(patience, undefined, { signal: late.signal }).then(() => {
          throw new Error(`no answer within ${patience / 1000} s (connection: ${client.status})`)
        }),
      ])
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new UnavailableError(`Redis at ${connection} cannot be used: ${reason}`, { connection }, error)
    } finally {
      late.abort()
    }
  }
}

/** Questions with a short patience, as the lasting connection would wait for ever: is it there, and is it as it should? */
async function probe(url: string, connection: string, timeout: number): Promise<readonly string[]> {
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
    return await redisRemarks(client)
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
