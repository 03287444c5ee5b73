import { hostname } from 'node:os'
import {
  type BackendClasses,
  type BackendFactory,
  type FlowProducer,
  type IQueueBackend,
  type Processor,
  type Queue,
  type QueueEvents,
  type Telemetry,
  type Worker,
  type WorkerOptions,
  withBackend,
} from 'bullmq'
import type { Logger } from 'pino'
import { redactError } from '../redaction.ts'
import { redact } from '../secrets.ts'
import { createComplaints } from './complaints.ts'

/** BullMQ's classes with the datastore left open: the same calls on Redis and on PostgreSQL. */
export type BrokerQueue<Data, Result> = Queue<Data, Result, string, Data, Result, string, IQueueBackend, unknown>
export type BrokerWorker<Data, Result> = Worker<Data, Result, string, IQueueBackend>
export type BrokerQueueEvents = QueueEvents<unknown, IQueueBackend, unknown>
export type BrokerFlowProducer = FlowProducer<IQueueBackend, unknown>

/** What a worker of one queue may set; the defaults suit jobs of seconds. */
export interface BrokerWorkerOptions {
  /** What `getWorkers` of its queue lists it by, default `pid@host`. */
  readonly name?: string
  /** Jobs at a time, default 1. */
  readonly concurrency?: number
  /** Milliseconds after which a job without lock renewal may be given to another worker, default 30,000. */
  readonly lockDuration?: number
  /** Milliseconds between two searches for such jobs, default 30,000. */
  readonly stalledInterval?: number
  /** How often a job may lose its worker before it fails, default 3. */
  readonly maxStalledCount?: number
}

/**
 * Where jobs wait for workers: one small interface, two drivers (design section 10).
 *
 * Everything created through a broker belongs to it and is closed by {@link Broker.close}.
 */
export interface Broker {
  readonly name: 'redis' | 'postgres'
  /** Host, port and database, without secrets: fit for logs and reports. */
  readonly connection: string
  /** What this broker's jobs are kept apart by: a key prefix on Redis, a schema on PostgreSQL. */
  readonly namespace: string
  /** What is not as the fleet needs it at the server (memory policy, persistence, version), in words; empty is well. */
  readonly remarks: readonly string[]
  createQueue<Data, Result>(name: string): BrokerQueue<Data, Result>
  createWorker<Data, Result>(
    name: string,
    processor: Processor<Data, Result, string>,
    options?: BrokerWorkerOptions,
  ): BrokerWorker<Data, Result>
  /** Resolves when it listens: what happens after that is not missed. */
  createQueueEvents(name: string): Promise<BrokerQueueEvents>
  createFlowProducer(): BrokerFlowProducer
  /**
   * Asks the server for a sign of life, with a patience of seconds.
   *
   * @throws {UnavailableError} when none comes
   */
  ping(): Promise<void>
  /** Variables that make {@link openBroker} in a child process reach this broker. Holds secrets: never log it. */
  workerEnvironment(): Record<string, string>
  /** Removes the queues opened here with all their jobs: for a namespace that is to end with its run. */
  removeQueues(): Promise<void>
  /** Workers first (they finish what they hold), then the rest, then the server if it is ours. Safe to call twice. */
  close(): Promise<void>
}

/** What a driver knows and {@link createBullBroker} does not. */
export interface Driver<Connection> {
  readonly name: Broker['name']
  readonly connection: string
  readonly namespace: string
  readonly factory: BackendFactory<IQueueBackend, Connection>
  /** What BullMQ takes as `connection`. */
  readonly connect: Connection
  readonly workerEnvironment: Record<string, string>
  readonly remarks: readonly string[]
  readonly logger: Logger
  /** Sees every job added and done. */
  readonly telemetry?: Telemetry
  /** Says what goes wrong with a connection, where the driver does so too. */
  readonly complain?: (part: string, error: Error) => void
  /** As {@link Broker.ping}. */
  ping(): Promise<void>
  /** The id of the newest event of a queue, before any: an id that all others follow. */
  newestEvent(queue: string): Promise<string>
  /** Called first when the broker closes. */
  closing?(): void
  /** Called last, when nothing of ours uses the connection any more. */
  release(): Promise<void>
}

/** Events kept for listeners that lag behind; each carries a result, so more would only cost memory. */
const EVENTS_KEPT = 2_000
/** What a worker waits before it asks for a job again when its server is away, milliseconds; BullMQ's own is 15,000. */
const ASK_AGAIN = 1_000

interface Closable {
  close(): Promise<void>
}

interface Emitter {
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** The processor whose failures carry no secret into the datastore, where everybody may read them for a week. */
function withoutSecrets<Data, Result>(processor: Processor<Data, Result, string>): Processor<Data, Result, string> {
  const guarded: typeof processor = async (...given) => {
    try {
      return await processor(...given)
    } catch (error) {
      throw redactError(error, redact)
    }
  }
  // BullMQ gives an `AbortSignal` only to those who take it, which it sees in their length.
  return Object.defineProperty(guarded, 'length', { value: processor.length })
}

/** The broker over a driver's datastore. */
export function createBullBroker<Connection>(driver: Driver<Connection>): Broker {
  const { logger, namespace } = driver
  // The job types are per queue and the connection type is the driver's own business.
  const classes = withBackend(driver.factory) as unknown as BackendClasses<IQueueBackend, unknown>
  const base = { connection: driver.connect, prefix: namespace, telemetry: driver.telemetry }
  const workers: Closable[] = []
  const queues: BrokerQueue<unknown, unknown>[] = []
  const others: Closable[] = []
  let closing: Promise<void> | undefined

  // An 'error' event without a listener ends the process; connection errors are mended by BullMQ's own retries.
  const complain = driver.complain ?? createComplaints(logger, driver.name)
  const watch = (part: string, emitter: Emitter) => {
    emitter.on('error', (error) => {
      if (!closing) complain(part, error)
    })
  }

  const closeAll = async () => {
    driver.closing?.()
    const first = await Promise.allSettled(workers.map((worker) => worker.close()))
    const rest = await Promise.allSettled([...others, ...queues].map((other) => other.close()))
    // What cannot be closed (its server is gone) must not keep the others open, nor a server of ours alive.
    await driver.release()
    const failed = [...first, ...rest].find((outcome) => outcome.status === 'rejected')
    if (failed) throw failed.reason
  }

  return {
    name: driver.name,
    connection: driver.connection,
    namespace,
    remarks: driver.remarks,
    createQueue<Data, Result>(name: string) {
      const queue = new classes.Queue(name, { ...base, streams: { events: { maxLen: EVENTS_KEPT } } })
      watch(`queue ${name}`, queue)
      queues.push(queue)
      return queue as unknown as BrokerQueue<Data, Result>
    },
    createWorker<Data, Result>(
      name: string,
      processor: Processor<Data, Result, string>,
      options: BrokerWorkerOptions = {},
    ) {
      const settings: WorkerOptions<unknown> = {
        ...base,
        name: options.name ?? `${process.pid}@${hostname()}`,
        runRetryDelay: ASK_AGAIN,
        concurrency: options.concurrency ?? 1,
        lockDuration: options.lockDuration ?? 30_000,
        stalledInterval: options.stalledInterval ?? 30_000,
        maxStalledCount: options.maxStalledCount ?? 3,
      }
      const worker = new classes.Worker(name, withoutSecrets(processor) as Processor, settings)
      watch(`worker of ${name}`, worker)
      workers.push(worker)
      return worker as unknown as BrokerWorker<Data, Result>
    },
    async createQueueEvents(name) {
      // BullMQ's own beginning, "from now on", is a new one whenever it looks again after a fault.
      const lastEventId = await driver.newestEvent(name)
      const events = new classes.QueueEvents(name, { ...base, lastEventId })
      watch(`events of ${name}`, events)
      others.push(events)
      await events.waitUntilReady()
      return events
    },
    createFlowProducer() {
      const producer = new classes.FlowProducer(base)
      watch('flow producer', producer)
      others.push(producer)
      return producer
    },
    ping: () => driver.ping(),
    workerEnvironment: () => ({ ...driver.workerEnvironment }),
    async removeQueues() {
      await Promise.all(workers.map((worker) => worker.close()))
      for (const queue of queues) await queue.obliterate({ force: true })
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}
