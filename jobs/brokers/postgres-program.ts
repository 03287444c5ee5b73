import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { FatalError } from '#data/errors.ts'
import type { Account } from './postgres-binaries.ts'
import { serverFailure } from './postgres-words.ts'

/** PostgreSQL's own programs, run on the files of one folder. */
export interface PostgresFiles {
  /** Folder with `bin/`. */
  readonly binaries: string
  /** The cluster is `data/` below it. */
  readonly directory: string
  /** Whom to run them as; undefined for the present user. */
  readonly account: Account | undefined
}

export const USER = 'millrace'
const READY = 'database system is ready to accept connections'
const STOP_PATIENCE = 5_000

/** Settings of every server of ours. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  jit: 'off',
  deadlock_timeout: '100ms',
  max_parallel_workers_per_gather: '0',
}

/** A server that answers. */
export interface RunningServer {
  readonly child: ChildProcess
  /** Resolves with the last words of the server, once it and all that it had started have ended. */
  readonly exited: Promise<string>
}

/**
 * Makes a cluster in `<directory>/<name>`.
 *
 * @see https://www.postgresql.org/docs/18/app-initdb.html
 * @throws {FatalError} with the program's own words when it cannot
 */
export async function initialise(
  files: PostgresFiles,
  password: string,
  name = 'data',
  options: readonly string[] = [],
): Promise<void> {
  const { directory, account } = files
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (account) await chown(passwordFile, account.uid, account.gid)
  const initdb = await launch(files, 'initdb', [
    `--pgdata=${join(directory, name)}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-instructions',
    ...options,
  ])
  const words = await initdb.exited
  await rm(passwordFile, { force: true })
  if (initdb.child.exitCode !== 0) throw serverFailure('could not be set up', words, dirname(directory))
}

/**
 * Starts the server of `<directory>/data` and waits until it answers.
 *
 * @param patience what it may take before it is taken for stuck, milliseconds
 * @throws {FatalError} with the server's own words (`details.words`) when it does not start
 */
export async function startServer(
  files: PostgresFiles,
  port: number,
  settings: Readonly<Record<string, string>>,
  patience: number,
): Promise<RunningServer> {
  const all = Object.entries({ ...SETTINGS, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = await launch(files, 'postgres', ['-D', join(files.directory, 'data'), '-p', String(port), ...all])
  const late = new AbortController()
  const outcome = await Promise.race([
    server.said(READY).then(() => 'ready' as const),
    server.exited,
    once(AbortSignal.any([AbortSignal.timeout(patience), late.signal]), 'abort').then(() => 'stuck' as const),
  ])
  late.abort()
  if (outcome === 'ready') return server
  if (outcome === 'stuck') {
    await stopServer(server.child)
    throw new FatalError(`the embedded PostgreSQL was not ready after ${patience / 1000} s`)
  }
  throw serverFailure('did not start', outcome, dirname(files.directory))
}

/** Fast shutdown, then immediate, then by force (PostgreSQL: SIGINT, SIGQUIT, SIGKILL). */
export async function stopServer(child: ChildProcess): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const late = new Promise((resolve) => setTimeout(resolve, STOP_PATIENCE).unref())
    await Promise.race([ended, late])
  }
}

/** A port of the loopback interface that is free at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

/** True for a failure to start because of somebody else on the port. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof FatalError && /address already in use/i.test(String(error.details.words))
}

interface Launched extends RunningServer {
  /** Resolves when `text` appears on stderr. */
  said(text: string): Promise<void>
}

/** @throws {FatalError} when the program cannot be executed at all */
async function launch(files: PostgresFiles, program: string, args: readonly string[]): Promise<Launched> {
  const { binaries, directory, account } = files
  const path = join(binaries, 'bin', process.platform === 'win32' ? `${program}.exe` : program)
  // Some package managers unpack without the right to execute.
  await chmod(path, 0o755).catch(() => {})
  const child = spawn(path, args, {
    cwd: directory,
    // A foreign PGDATA or locale must not reach the server.
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC', SYSTEMROOT: process.env.SYSTEMROOT },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(account && { uid: account.uid, gid: account.gid }),
  })
  let words = ''
  const hear = (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-2_000)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const exited = new Promise<string>((resolve) => child.on('close', () => resolve(words.trim())))
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw new FatalError(`${path} cannot be executed: ${(error as Error).message}`, { path }, error)
  }
  return {
    child,
    exited,
    said: (text) =>
      new Promise((resolve) => {
        const look = () => {
          if (!words.includes(text)) return
          child.stderr.off('data', look)
          resolve()
        }
        child.stderr.on('data', look)
        look()
      }),
  }
}
