import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { FatalError } from '#data/errors.ts'
import { type Account, copyPostgres, installedPostgres, openToAll, serverAccount } from './postgres-binaries.ts'
import { serverFailure } from './postgres-words.ts'

/** A PostgreSQL server of our own that lives as long as this process and leaves nothing behind. */
export interface PostgresServer {
  /** With its password: only for those who connect. */
  readonly url: string
  readonly directory: string
  /** What is not as one might expect (another account, another folder). */
  readonly notes: readonly string[]
  /** Resolves with the last words of the server when it ends, wanted or not. */
  readonly exited: Promise<string>
  stop(): Promise<void>
}

const USER = 'millrace'
const READY = 'database system is ready to accept connections'
const PORT_ATTEMPTS = 3
/** What a server may take to start or to stop before it is taken for stuck, milliseconds. */
const PATIENCE = 20_000
const STOP_PATIENCE = 5_000

/** Nothing here outlives the run, so nothing needs to survive a power cut. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  jit: 'off',
  deadlock_timeout: '100ms',
  max_parallel_workers_per_gather: '0',
}

/** Name of a run's folder: it tells a later run whose it was (see `postgres-sweep.ts`). */
export function runDirectoryPrefix(host = hostname(), pid = process.pid): string {
  return `millrace-postgres-${host.replaceAll(/[^A-Za-z0-9]/g, '_')}-${pid}-`
}

/**
 * Makes a fresh cluster below `parent` and starts it on a free port of the loopback interface.
 *
 * Started by root, it runs as an account without privileges, with its files in the folder for temporary
 * files where that account cannot reach `parent`, and with copied binaries where it cannot reach those.
 *
 * @throws {FatalError} with the server's own words when it will not start
 */
export async function startPostgresServer(parent: string): Promise<PostgresServer> {
  const notes: string[] = []
  const account = serverAccount()
  const directory = await makeRunDirectory(parent, account, notes)
  try {
    const binaries = await reachableBinaries(directory, account, notes)
    const password = randomBytes(18).toString('base64url')
    await initialise(binaries, directory, account, password)
    const { child, port, exited } = await startOnFreePort(binaries, directory, account)
    return {
      url: `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`,
      directory,
      notes,
      exited,
      async stop() {
        await stopServer(child)
        await rm(directory, { recursive: true, force: true })
      },
    }
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    if (error instanceof FatalError) throw error
    throw serverFailure('could not be set up', (error as Error).message, dirname(directory), error)
  }
}

async function makeRunDirectory(parent: string, account: Account | undefined, notes: string[]): Promise<string> {
  try {
    await mkdir(parent, { recursive: true })
  } catch (error) {
    throw serverFailure(`needs the folder ${parent}`, (error as Error).message, parent, error)
  }
  let place = parent
  if (account && !openToAll(parent)) {
    place = tmpdir()
    notes.push(`PostgreSQL runs as "${account.name}", who cannot reach ${parent}: its files are in ${place}`)
  }
  const directory = await mkdtemp(join(place, runDirectoryPrefix())).catch((error) => {
    throw serverFailure('could not be set up', error.message, place, error)
  })
  if (account) await chown(directory, account.uid, account.gid)
  return directory
}

async function reachableBinaries(directory: string, account: Account | undefined, notes: string[]): Promise<string> {
  const installed = installedPostgres()
  if (!account || openToAll(installed)) return installed
  notes.push(`PostgreSQL runs as "${account.name}", who cannot reach ${installed}: a copy is used`)
  const copy = join(directory, 'postgresql')
  await mkdir(copy)
  return copyPostgres(installed, copy)
}

/** @see https://www.postgresql.org/docs/18/app-initdb.html */
async function initialise(
  binaries: string,
  directory: string,
  account: Account | undefined,
  password: string,
): Promise<void> {
  const passwordFile = join(directory, 'password')
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (account) await chown(passwordFile, account.uid, account.gid)
  const initdb = await launch(binaries, 'initdb', directory, account, [
    `--pgdata=${join(directory, 'data')}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
    '--no-instructions',
  ])
  const words = await initdb.exited
  await rm(passwordFile, { force: true })
  if (initdb.child.exitCode !== 0) throw serverFailure('could not be set up', words, dirname(directory))
}

async function startOnFreePort(binaries: string, directory: string, account: Account | undefined) {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const server = await launch(binaries, 'postgres', directory, account, [
      ...['-D', join(directory, 'data'), '-p', String(port)],
      ...settings,
    ])
    const outcome = await Promise.race([
      server.said(READY).then(() => 'ready' as const),
      server.exited,
      new Promise<'stuck'>((resolve) => setTimeout(resolve, PATIENCE, 'stuck').unref()),
    ])
    if (outcome === 'ready') return { ...server, port }
    if (outcome === 'stuck') {
      await stopServer(server.child)
      throw new FatalError(`the embedded PostgreSQL was not ready after ${PATIENCE / 1000} s`)
    }
    // Somebody may take the port between the question and the answer.
    if (attempt < PORT_ATTEMPTS && /address already in use/i.test(outcome)) continue
    throw serverFailure('did not start', outcome, dirname(directory))
  }
}

interface Launched {
  readonly child: ChildProcess
  /** The last lines on stderr and stdout, once the process has ended. */
  readonly exited: Promise<string>
  /** Resolves when `text` appears on stderr. */
  said(text: string): Promise<void>
}

/** @throws {FatalError} when the program cannot be executed at all */
async function launch(
  binaries: string,
  program: string,
  directory: string,
  account: Account | undefined,
  args: string[],
): Promise<Launched> {
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
        const look = () => words.includes(text) && resolve()
        child.stderr.on('data', look)
        look()
      }),
  }
}

/** Fast shutdown, then immediate, then by force (PostgreSQL: SIGINT, SIGQUIT, SIGKILL). */
async function stopServer(child: ChildProcess): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    const late = new Promise((resolve) => setTimeout(resolve, STOP_PATIENCE).unref())
    await Promise.race([ended, late])
  }
}

function freePort(): Promise<number> {
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
