import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import { FatalError, UnavailableError } from '#data/errors.ts'
import nodeFlags from './node-flags.json' with { type: 'json' }
import type { ServeOptions } from './serve.ts'

/**
 * What each worker serves, and how many there are. Unless said, the machine's threads are shared out among them. Keys of
 * a store reach them by the environment.
 */
export interface FleetOptions extends Omit<ServeOptions, 'storeKeys' | 'onWorker'> {
  /** How many processes. */
  readonly workers: number
  /** Variables for the workers besides our own and the broker's. */
  readonly env?: Record<string, string>
  /** Milliseconds that a worker has to get ready, default 30,000. */
  readonly startTimeout?: number
}

/** Worker processes of ours. */
export interface Fleet {
  readonly pids: readonly number[]
  /** Aborts, with the reason, when no worker is left: give it to the rounds that wait for them. */
  readonly lost: AbortSignal
  /** Lets the workers finish what they hold, and ends those that do not within the limit. */
  close(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('./worker.ts', import.meta.url))
const START_TIMEOUT = 30_000
const DRAIN_LIMIT = 30_000
/** What a worker has, after its drain limit, to close its connections, milliseconds. */
const FAREWELL = 5_000
/** Lines of a worker's output that its end is explained with. */
const WORDS_KEPT = 10

/**
 * Starts worker processes on this machine and resolves when all are ready. They end when this process does.
 *
 * @throws {FatalError} with the worker's last words when one ends at its start or does not get ready in time
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { workers: count, logger } = options
  const lost = new AbortController()
  const workers = Array.from({ length: count }, () => spawnWorker(options))
  let closing = false

  const close = async () => {
    closing = true
    const limit = (options.drainLimit ?? DRAIN_LIMIT) + FAREWELL
    await Promise.all(workers.map((worker) => worker.end(limit)))
  }
  try {
    await Promise.all(workers.map((worker) => worker.ready))
  } catch (error) {
    closing = true
    await Promise.all(workers.map((worker) => worker.end(0)))
    throw error
  }
  for (const worker of workers) {
    worker.exited.then((how) => {
      if (closing) return
      const left = workers.filter((other) => other.alive()).length
      logger.error({ worker: worker.pid, left }, `worker ${worker.pid} ${how}; ${left} left`)
      if (left === 0) lost.abort(new UnavailableError(`no worker is left: the last one ${how}: ${worker.lastWords()}`))
    })
  }
  return { pids: workers.map((worker) => worker.pid), lost: lost.signal, close }
}

interface WorkerProcess {
  readonly pid: number
  readonly ready: Promise<void>
  /** How it ended, in words. */
  readonly exited: Promise<string>
  alive(): boolean
  lastWords(): string
  end(limit: number): Promise<void>
}

function spawnWorker(options: FleetOptions): WorkerProcess {
  const { logger } = options
  const child = fork(PROGRAM, workerArguments(options), {
    // Left to itself V8 doubles the room for what lives for one job only, again and again, and never gives it back.
    execArgv: nodeFlags.worker,
    // The broker's address comes from the broker: files that name another way to it would contradict it.
    env: {
      ...process.env,
      REDIS_URL_FILE: '',
      MILLRACE_POSTGRES_URL_FILE: '',
      ...options.broker.workerEnvironment(),
      ...options.env,
    },
    // Our stdout may be a JSON document: what libraries print on theirs must not get into it.
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const words: string[] = []
  for (const input of [child.stdout!, child.stderr!]) {
    createInterface({ input }).on('line', (line) => {
      words.push(plainWords(line))
      if (words.length > WORDS_KEPT) words.shift()
      relay(line, child.pid, logger)
    })
  }
  const lastWords = () => words.join('\n')
  const exited = once(child, 'close').then(
    ([code, signal]) => (signal ? `was killed by ${signal}` : `ended with exit code ${code}`),
    (error: Error) => `could not be run (${error.message})`,
  )
  const alive = () => child.exitCode === null && child.signalCode === null
  return {
    pid: child.pid ?? -1,
    ready: whenReady(child, exited, lastWords, options.startTimeout ?? START_TIMEOUT),
    exited,
    alive,
    lastWords,
    async end(limit) {
      if (!alive()) return
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), limit)
      await exited
      clearTimeout(late)
    },
  }
}

function workerArguments(options: FleetOptions): string[] {
  const values: Record<string, string | number | undefined> = {
    queues: options.queues.join(','),
    concurrency: options.concurrency ?? 1,
    models: options.modelsDirectory,
    state: options.stateDirectory,
    store: options.store?.url,
    'store-endpoint': options.store?.endpoint,
    'store-region': options.store?.region,
    'follow-interval': options.followInterval,
    'train-memory-mb': options.trainMemoryMb,
    'max-age-days': options.maxAgeDays,
    threads: options.threads ?? Math.max(1, Math.floor(availableParallelism() / options.workers)),
    'drain-limit': options.drainLimit,
    'lock-duration': options.lockDuration,
    'stalled-interval': options.stalledInterval,
    'train-module': options.trainModule,
    'serving-module': options.servingModule,
    farewell: options.farewell ? 'yes' : undefined,
  }
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]))
}

async function whenReady(
  child: ChildProcess,
  exited: Promise<string>,
  lastWords: () => string,
  timeout: number,
): Promise<void> {
  const late = AbortSignal.timeout(timeout)
  const outcome = await Promise.race([
    once(child, 'message', { signal: late }).then(
      () => 'ready',
      () => `was not ready after ${timeout / 1000} s`,
    ),
    exited,
  ])
  if (outcome === 'ready') return
  throw new FatalError(`worker ${child.pid} ${outcome} at its start: ${lastWords() || '(it said nothing)'}`, {
    worker: child.pid,
  })
}

/** A worker's log lines become ours, at their level. */
function relay(line: string, worker: number | undefined, logger: Logger): void {
  const entry = parseLogLine(line)
  if (!entry) {
    if (line.trim()) logger.warn({ worker }, line)
    return
  }
  const { level, msg, time: _time, pid: _pid, hostname: _hostname, name: _name, ...rest } = entry
  const label = logger.levels.labels[level]
  if (label === 'debug' || label === 'trace') logger.debug({ worker, ...rest }, msg)
  else if (label === 'info') logger.info({ worker, ...rest }, msg)
  else if (label === 'warn') logger.warn({ worker, ...rest }, msg)
  else logger.error({ worker, ...rest }, msg)
}

function plainWords(line: string): string {
  return parseLogLine(line)?.msg ?? line
}

interface LogLine extends Record<string, unknown> {
  readonly level: number
  readonly msg: string
}

function parseLogLine(line: string): LogLine | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const entry = JSON.parse(line) as Partial<LogLine>
    return typeof entry.level === 'number' && typeof entry.msg === 'string' ? (entry as LogLine) : undefined
  } catch {
    return undefined
  }
}
