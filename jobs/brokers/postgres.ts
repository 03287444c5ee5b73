import type { Telemetry } from 'bullmq'
import pg from 'pg'
import type { Logger } from 'pino'
import { UnavailableError } from '#data/errors.ts'
import { keepSecret } from '../secrets.ts'
import { checkNamespace, parseAddress, withoutSecrets } from './address.ts'
import { type Broker, createBullBroker } from './bull.ts'
import { createPatientBackend } from './postgres-backend.ts'
import type { Patience } from './postgres-patience.ts'

export interface PostgresBrokerOptions {
  /** `postgres://user:password@host:port/database` of a running server. */
  readonly url: string
  readonly namespace: string
  readonly logger: Logger
  readonly telemetry?: Telemetry
  /** Milliseconds that a server which is away is waited for, default 60,000: it may be restarting. */
  readonly patience?: number
  /** Called after everything is closed: stops the server when it is ours. */
  readonly release?: () => Promise<void>
}

/** Connections that one queue or worker may hold, besides the one that it listens on. */
const POOL_SIZE = 3
const PATIENCE = 60_000
/** Milliseconds for the answer to a question of ours. */
const ANSWER = 3_000
/** PostgreSQL's code for a table that is not there. */
const NO_TABLE = '42P01'

/**
 * BullMQ on a PostgreSQL that runs already; the tables are made or migrated on first use.
 *
 * @throws {InputError} when the URL is none of PostgreSQL
 * @throws {UnavailableError} when it cannot be reached
 */
export async function openPostgresBroker(options: PostgresBrokerOptions): Promise<Broker> {
  const url = parseAddress(options.url, 'MILLRACE_POSTGRES_URL', ['postgres:', 'postgresql:'])
  const connection = withoutSecrets(url)
  keepSecret(options.url)
  const namespace = checkNamespace(options.namespace)
  const questions = createQuestions(options.url, connection)
  try {
    await questions.ping()
  } catch (error) {
    await questions.close()
    throw error
  }
  const patience: Patience = { total: options.patience ?? PATIENCE }
  return createBullBroker({
    name: 'postgres',
    connection,
    namespace,
    factory: createPatientBackend(patience),
    connect: { connectionString: options.url, schema: namespace, max: POOL_SIZE, migrate: true, keepAlive: true },
    workerEnvironment: { MILLRACE_POSTGRES_URL: options.url, REDIS_URL: '', MILLRACE_NAMESPACE: namespace },
    remarks: [],
    logger: options.logger,
    telemetry: options.telemetry,
    ping: questions.ping,
    newestEvent: (queue) => questions.newestEvent(namespace, queue),
    closing() {
      patience.closingSince ??= performance.now()
    },
    async release() {
      await questions.close()
      await options.release?.()
    },
  })
}

/** One connection besides BullMQ's, which never waits for long. */
function createQuestions(url: string, connection: string) {
  const pool = new pg.Pool({
    connectionString: url,
    max: 1,
    connectionTimeoutMillis: ANSWER,
    query_timeout: ANSWER,
    allowExitOnIdle: true,
  })
  pool.on('error', () => {})
  return {
    async ping(): Promise<void> {
      try {
        await pool.query('SELECT 1')
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        throw new UnavailableError(`PostgreSQL at ${connection} cannot be used: ${reason}`, { connection }, error)
      }
    },
    async newestEvent(schema: string, queue: string): Promise<string> {
      try {
        const found = await pool.query<{ id: string }>(
          `SELECT coalesce(max(id), 0)::text AS id FROM ${pg.escapeIdentifier(schema)}.event WHERE queue = $1`,
          [queue],
        )
        return found.rows[0].id
      } catch (error) {
        // Nobody has used the namespace yet: nothing has happened in it.
        if ((error as { code?: string }).code === NO_TABLE) return '0'
        throw error
      }
    },
    close: () => pool.end(),
  }
}
