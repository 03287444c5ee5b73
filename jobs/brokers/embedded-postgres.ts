import { type ChildProcess, fork } from 'node:child_process'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { FatalError } from '#data/errors.ts'
import type { Broker } from './bull.ts'
import { openPostgresBroker } from './postgres.ts'
import type { KeeperMessage } from './postgres-keeper.ts'

export interface EmbeddedBrokerOptions {
  /** The server's files live in `broker/` below it while it runs. */
  readonly stateDirectory: string
  readonly namespace: string
  readonly logger: Logger
}

/** What the first start on a slow, busy disk may take, milliseconds. */
const START_LIMIT = 60_000
const KEEPER = fileURLToPath(new URL('./postgres-keeper.ts', import.meta.url))

/**
 * The broker of a machine without Redis: BullMQ on a PostgreSQL of our own, made fresh for this run and removed
 * at its end. Runs side by side do not see each other. Meant for one machine: it listens on the loopback only.
 *
 * The server belongs to a keeper process, so that it ends with this process however that ends.
 *
 * @throws {FatalError} when PostgreSQL cannot run here, with the reason
 */
export async function openEmbeddedPostgresBroker(options: EmbeddedBrokerOptions): Promise<Broker> {
  const { logger } = options
  const keeper = fork(KEEPER, [resolve(join(options.stateDirectory, 'broker'))], {
    // Its own process group: a Ctrl-C must reach the workers first and the server last.
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const exited = new Promise<void>((resolve) => keeper.once('exit', () => resolve()))
  const ready = await firstMessage(keeper)
  let stopping = false
  keeper.on('message', (message: KeeperMessage) => {
    if (message.type === 'lost' && !stopping) logger.error({ reason: message.message }, 'embedded PostgreSQL ended')
  })
  keeper.once('exit', (code, signal) => {
    if (!stopping) logger.error({ code, signal }, 'the keeper of the embedded PostgreSQL ended')
  })
  for (const note of ready.notes) logger.info({ broker: 'postgres' }, note)
  // Nobody should have to wait for a server that would end with us anyway.
  keeper.unref()
  keeper.channel?.unref()

  const release = async () => {
    stopping = true
    if (keeper.exitCode !== null || keeper.signalCode !== null) return
    keeper.ref()
    if (keeper.connected) keeper.send('stop')
    await exited
  }
  try {
    return await openPostgresBroker({ url: ready.url, namespace: options.namespace, logger, release })
  } catch (error) {
    await release()
    throw error
  }
}

function firstMessage(keeper: ChildProcess): Promise<Extract<KeeperMessage, { type: 'ready' }>> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      keeper.kill('SIGKILL')
      reject(new FatalError(`the embedded PostgreSQL was not ready after ${START_LIMIT / 1000} s`))
    }, START_LIMIT)
    keeper.once('message', (message: KeeperMessage) => {
      clearTimeout(late)
      if (message.type === 'ready') resolve(message)
      else reject(new FatalError(message.message))
    })
    keeper.once('error', (error) => reject(new FatalError(`the broker's keeper: ${error.message}`, {}, error)))
    keeper.once('exit', (code, signal) => {
      clearTimeout(late)
      reject(new FatalError(`the keeper of the embedded PostgreSQL ended at its start (${signal ?? code})`))
    })
  })
}
