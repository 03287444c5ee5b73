import { createPostgresBackend } from 'bullmq'
import pg from 'pg'
import type { Logger } from 'pino'
import { UnavailableError } from '#data/errors.ts'
import { checkNamespace, parseAddress, withoutSecrets } from './address.ts'
import { type Broker, createBullBroker } from './bull.ts'

export interface PostgresBrokerOptions {
  /** `postgres://user:password@host:port/database` of a running server. */
  readonly url: string
  readonly namespace: string
  readonly logger: Logger
  /** Called after everything is closed: stops the server when it is ours. */
  readonly release?: () => Promise<void>
}

/** Connections that one queue or worker may hold, besides the one that it listens on. */
const POOL_SIZE = 3

/**
 * BullMQ on a PostgreSQL that runs already; the tables are made or migrated on first use.
 *
 * @throws {InputError} when the URL is none of PostgreSQL
 * @throws {UnavailableError} when it cannot be reached
 */
export async function openPostgresBroker(options: PostgresBrokerOptions): Promise<Broker> {
  const url = parseAddress(options.url, 'MILLRACE_POSTGRES_URL', ['postgres:', 'postgresql:'])
  const connection = withoutSecrets(url)
  const namespace = checkNamespace(options.namespace)
  await probe(options.url, connection)
  return createBullBroker({
    name: 'postgres',
    connection,
    namespace,
    factory: createPostgresBackend,
    connect: { connectionString: options.url, schema: namespace, max: POOL_SIZE, migrate: true },
    workerEnvironment: { MILLRACE_POSTGRES_URL: options.url, REDIS_URL: '', MILLRACE_NAMESPACE: namespace },
    logger: options.logger,
    release: options.release ?? (async () => {}),
  })
}

async function probe(url: string, connection: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('SELECT 1')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UnavailableError(`PostgreSQL at ${connection} cannot be used: ${reason}`, { connection }, error)
  } finally {
    await client.end().catch(() => {})
  }
}
