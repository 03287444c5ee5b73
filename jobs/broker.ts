import type { Telemetry } from 'bullmq'
import type { Logger } from 'pino'
import type { Broker } from './brokers/bull.ts'
import { readSecret } from './secrets.ts'

export type {
  Broker,
  BrokerQueue,
  BrokerQueueEvents,
  BrokerWorker,
  BrokerWorkerOptions,
} from './brokers/bull.ts'

export interface OpenBrokerOptions {
  /** Redis, the production way; wins over all others. Empty is the same as absent. */
  readonly redisUrl?: string
  /** A PostgreSQL that runs already: how worker processes reach their parent's embedded server. */
  readonly postgresUrl?: string
  /** Where the embedded server keeps its files (below `broker/`), used when no URL is given: `var/`. */
  readonly stateDirectory: string
  /**
   * Keeps the embedded server's data from run to run, for one owner at a time, and restarts the server when it dies;
   * without it the server is made fresh and removed at the end. A server that is not ours is not touched by it.
   */
  readonly keep?: boolean
  /** Keeps the jobs of several millraces on one server apart, default `millrace`. */
  readonly namespace?: string
  readonly logger: Logger
  /** BullMQ's interface (`bullmq-otel` makes one): sees every job that is added or done through this broker. */
  readonly telemetry?: Telemetry
}

const NAMESPACE = 'millrace'

/**
 * Opens the broker that the options name: Redis, a running PostgreSQL, or an embedded PostgreSQL of our own.
 *
 * @throws {InputError} for a URL or namespace that cannot be one
 * @throws {UnavailableError} when the server named cannot be reached, or another process owns the kept one
 * @throws {FatalError} when the embedded server cannot run on this machine
 */
export async function openBroker(options: OpenBrokerOptions): Promise<Broker> {
  const { redisUrl, postgresUrl, stateDirectory, keep, logger, telemetry } = options
  const namespace = options.namespace || NAMESPACE
  // Each driver brings a client library: only the one that serves is loaded.
  if (redisUrl) {
    const { openRedisBroker } = await import('./brokers/redis.ts')
    return openRedisBroker({ url: redisUrl, namespace, logger, telemetry })
  }
  if (postgresUrl) {
    const { openPostgresBroker } = await import('./brokers/postgres.ts')
    return openPostgresBroker({ url: postgresUrl, namespace, logger, telemetry })
  }
  const { openEmbeddedPostgresBroker } = await import('./brokers/embedded-postgres.ts')
  return openEmbeddedPostgresBroker({ stateDirectory, keep, namespace, logger, telemetry })
}

/** The part of {@link OpenBrokerOptions} that the environment decides (see {@link Broker.workerEnvironment}). */
export function brokerEnvironment(environment: NodeJS.ProcessEnv): {
  redisUrl?: string
  postgresUrl?: string
  namespace?: string
} {
  return {
    redisUrl: readSecret(environment, 'REDIS_URL')?.value,
    postgresUrl: readSecret(environment, 'MILLRACE_POSTGRES_URL')?.value,
    namespace: environment.MILLRACE_NAMESPACE || undefined,
  }
}
