import { type ChildProcess, fork } from 'node:child_process'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Telemetry } from 'bullmq'
import type { Logger } from 'pino'
import { FatalError, UnavailableError } from '#data/errors.ts'
import { ownerName } from '#models/owner.ts'
import type { Broker } from './bull.ts'
import { openPostgresBroker } from './postgres.ts'
import type { KeeperMessage } from './postgres-keeper.ts'

export interface EmbeddedBrokerOptions {
  /** The server's files live in `broker/` below it. */
  readonly stateDirectory: string
  /** Keep the data from run to run, and bring the server back when it dies; see `postgres-kept.ts`. */
  readonly keep?: boolean
  readonly namespace: string
  readonly logger: Logger
  readonly telemetry?: Telemetry
}

/** What the first start on a slow, busy disk may take, and one after a crash with a long log, milliseconds. */
const START_LIMIT = 60_000
const KEPT_START_LIMIT = 180_000
/** A server that nobody brings back is not waited for; but it mends itself when it loses a process of its own. */
const FRESH_PATIENCE = 10_000
/** Pause before a keeper that died is replaced, milliseconds. */
const REPLACE_PAUSE = 500
const KEEPER = fileURLToPath(new URL('./postgres-keeper.ts', import.meta.url))

/**
 * The broker of a machine without Redis: BullMQ on a PostgreSQL of our own. Meant for one machine: it listens on the
 * loopback only.
 *
 * Made fresh for this run and removed at its end, so that runs side by side do not see each other; or, with `keep`, with
 * data that stays in the state folder, for one owner at a time, and a server that comes back when it is killed.
 *
 * The server belongs to a keeper process, so that it ends with this process however that ends.
 *
 * @throws {FatalError} when PostgreSQL cannot run here, with the reason
 * @throws {UnavailableError} when another process owns the kept one
 */
export async function openEmbeddedPostgresBroker(options: EmbeddedBrokerOptions): Promise<Broker> {
  const { keep = false, namespace, logger, telemetry } = options
  const directory = resolve(join(options.stateDirectory, 'broker'))
  let stopping = false
  let keeper = await startKeeper(directory, keep)
  const { url, notes } = keeper.ready
  for (const note of notes) logger.info({ broker: 'postgres' }, note)

  const look = () => {
    keeper.child.on('message', (message: KeeperMessage) => {
      if (stopping) return
      if (message.type === 'lost') logger.error({ reason: message.message }, 'embedded PostgreSQL ended')
      if (message.type === 'back') logger.warn('embedded PostgreSQL is back')
    })
    keeper.child.once('exit', (code, signal) => {
      if (stopping) return
      logger.error({ code, signal }, 'the keeper of the embedded PostgreSQL ended')
      if (keep) void replace()
    })
  }
  /** What is kept is found again by the next keeper: same port, same password. */
  const replace = async () => {
    while (!stopping) {
      await delay(REPLACE_PAUSE, undefined, { ref: false })
      if (stopping) return
      try {
        keeper = await startKeeper(directory, keep)
      } catch (error) {
        logger.error({ reason: (error as Error).message }, 'the embedded PostgreSQL could not be taken over')
        continue
      }
      if (stopping) return stopKeeper(keeper.child)
      if (keeper.ready.url === url) logger.warn('embedded PostgreSQL is back, with a new keeper')
      else logger.fatal('embedded PostgreSQL had to move to another port: start this process again')
      return look()
    }
  }
  look()

  const release = async () => {
    stopping = true
    await stopKeeper(keeper.child)
  }
  try {
    const patience = keep ? undefined : FRESH_PATIENCE
    return await openPostgresBroker({ url, namespace, logger, telemetry, patience, release })
  } catch (error) {
    await release()
    throw error
  }
}

type Ready = Extract<KeeperMessage, { type: 'ready' }>

async function startKeeper(directory: string, keep: boolean): Promise<{ child: ChildProcess; ready: Ready }> {
  const child = fork(KEEPER, keep ? [directory, await ownerName()] : [directory], {
    // Its own process group: a Ctrl-C must reach the workers first and the server last.
    detached: true,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const ready = await firstMessage(child, keep ? KEPT_START_LIMIT : START_LIMIT)
  // Nobody should have to wait for a server that would end with us anyway.
  child.unref()
  child.channel?.unref()
  return { child, ready }
}

async function stopKeeper(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.ref()
  if (child.connected) child.send('stop')
  await exited
}

function firstMessage(keeper: ChildProcess, limit: number): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      keeper.kill('SIGKILL')
      reject(new FatalError(`the embedded PostgreSQL was not ready after ${limit / 1000} s`))
    }, limit)
    keeper.once('message', (message: KeeperMessage) => {
      clearTimeout(late)
      if (message.type === 'ready') resolve(message)
      else if (message.type === 'failed' && message.unavailable) reject(new UnavailableError(message.message))
      else reject(new FatalError(message.type === 'back' ? 'the keeper lost its way' : message.message))
    })
    keeper.once('error', (error) => reject(new FatalError(`the broker's keeper: ${error.message}`, {}, error)))
    keeper.once('exit', (code, signal) => {
      clearTimeout(late)
      reject(new FatalError(`the keeper of the embedded PostgreSQL ended at its start (${signal ?? code})`))
    })
  })
}
