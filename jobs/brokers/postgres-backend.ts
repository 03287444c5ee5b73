import {
  type BackendFactory,
  createPostgresBackend,
  type PostgresConnectionOptions,
  type PostgresQueueBackend,
} from 'bullmq'
import { askPatiently, type Patience } from './postgres-patience.ts'

/**
 * BullMQ's PostgreSQL backend, made to outlive its server and to count as the one on Redis does.
 *
 * As published (6.7.0) every query fails at once while the server is away, where ioredis keeps a command until it is
 * back. A worker then takes a job whose end it could not tell for one that failed, a queue or flow that is opened in the
 * meantime stays broken for good, and a server that dies in the midst of a migration ends the process. Here what finds
 * no server is asked again.
 *
 * A query may have taken effect although its answer was lost. Asked again it finds that (the job is no longer ours, the
 * id is known) and changes nothing twice, as long as the jobs added carry ids.
 */
export function createPatientBackend(
  patience: Patience,
): BackendFactory<PostgresQueueBackend, PostgresConnectionOptions> {
  return (name, options, factoryOptions) => {
    const backend = createPostgresBackend(name, options, factoryOptions)
    waitForServer(backend, patience)
    countPausedAsWaiting(backend)
    return backend
  }
}

function waitForServer({ connection }: PostgresQueueBackend, patience: Patience): void {
  const { pool } = connection
  const query = pool.query.bind(pool)
  pool.query = <Row>(text: string, values?: readonly unknown[]) =>
    askPatiently(() => query<Row>(text, values), patience)

  // Memoised by BullMQ whether it went well or not.
  const getReady = connection.waitUntilReady.bind(connection)
  connection.waitUntilReady = () =>
    askPatiently(async () => {
      try {
        await getReady()
      } catch (error) {
        Object.assign(connection, { readyPromise: undefined })
        throw error
      }
    }, patience)

  const listen = connection.getListenClient.bind(connection)
  connection.getListenClient = () => askPatiently(listen, patience)

  // The pool listens to errors of idle connections only; one that breaks in use would end the process.
  pool.on('connect', (client) => client.on('error', () => {}))
}

/** Of a paused queue Redis counts the jobs as waiting, PostgreSQL as of a state that the types do not know. */
function countPausedAsWaiting(backend: PostgresQueueBackend): void {
  const getCounts = backend.getCounts.bind(backend)
  backend.getCounts = async (types, delayedBefore) => {
    const counts = await getCounts([...types, 'paused' as never], delayedBefore)
    const paused = counts.pop() ?? 0
    return counts.map((count, i) => (types[i] === 'waiting' || types[i] === 'wait' ? count + paused : count))
  }
}
