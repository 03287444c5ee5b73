import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { UnavailableError } from '#data/errors.ts'
import { type Broker, openBroker } from '#jobs/broker.ts'
import { tether } from './tether.ts'

/** A broker that nobody else uses, and its server. */
export interface BenchBroker {
  readonly broker: Broker
  /** Where a Redis of ours listens; undefined for the embedded broker. */
  readonly port: number | undefined
  close(): Promise<void>
}

export const logger = pino({ level: 'error' }, pino.destination({ dest: 2, sync: true }))
/** The settings that `compose.yaml` gives to Redis: it is measured as it is deployed, append-only file included. */
const SETTINGS = fileURLToPath(new URL('../../deploy/redis.conf', import.meta.url))
const START_LIMIT = 5_000

/** Whether a Redis can be started here. */
export function hasRedis(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/**
 * Starts a Redis with the deployment's settings, files in `directory`, listening on a free port.
 *
 * @param addresses to listen on
 * @throws {UnavailableError} when it does not answer in time
 */
export async function openRedis(directory: string, addresses: readonly string[] = ['127.0.0.1']): Promise<BenchBroker> {
  const port = await freePort()
  const settings = ['--port', String(port), '--dir', directory, '--bind', ...addresses, '--protected-mode', 'no']
  const server = tether(['redis-server', SETTINGS, ...settings])
  server.child.stdout?.resume()
  server.child.stderr?.resume()
  const redisUrl = `redis://127.0.0.1:${port}`
  const late = Date.now() + START_LIMIT
  for (;;) {
    try {
      const broker = await openBroker({ redisUrl, stateDirectory: directory, namespace: benchNamespace(), logger })
      const close = async () => {
        await broker.close()
        await server.end()
      }
      return { broker, port, close }
    } catch (error) {
      if (!(error instanceof UnavailableError) || Date.now() > late) {
        await server.end()
        throw error
      }
      await delay(50)
    }
  }
}

/** The embedded broker, files in `directory`. */
export async function openEmbedded(directory: string): Promise<BenchBroker> {
  const broker = await openBroker({ stateDirectory: join(directory, 'embedded'), namespace: benchNamespace(), logger })
  return { broker, port: undefined, close: () => broker.close() }
}

function benchNamespace(): string {
  return `bench${randomBytes(4).toString('hex')}`
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
