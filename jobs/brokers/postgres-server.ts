import { randomBytes } from 'node:crypto'
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { FatalError } from '#data/errors.ts'
import { type Account, copyPostgres, installedPostgres, openToAll, serverAccount } from './postgres-binaries.ts'
import {
  freePort,
  initialise,
  isPortTaken,
  type PostgresFiles,
  type RunningServer,
  startServer,
  stopServer,
  USER,
} from './postgres-program.ts'
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

const PORT_ATTEMPTS = 3
/** What a server may take to start before it is taken for stuck, milliseconds. */
const PATIENCE = 20_000

/** Nothing here outlives the run, so nothing needs to survive a power cut. */
const SETTINGS = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

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
    const files = { binaries, directory, account }
    await initialise(files, password, 'data', ['--no-sync'])
    const { child, port, exited } = await startOnFreePort(files)
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

/** Folder of the programs that `account` may run: the installed ones, or a copy in `directory`. */
export async function reachableBinaries(
  directory: string,
  account: Account | undefined,
  notes: string[],
): Promise<string> {
  const installed = installedPostgres()
  if (!account || openToAll(installed)) return installed
  notes.push(`PostgreSQL runs as "${account.name}", who cannot reach ${installed}: a copy is used`)
  const copy = join(directory, 'postgresql')
  await rm(copy, { recursive: true, force: true })
  await mkdir(copy)
  return copyPostgres(installed, copy)
}

async function startOnFreePort(files: PostgresFiles): Promise<RunningServer & { readonly port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { ...(await startServer(files, port, SETTINGS, PATIENCE)), port }
    } catch (error) {
      // Somebody may take the port between the question and the answer.
      if (attempt === PORT_ATTEMPTS || !isPortTaken(error)) throw error
    }
  }
}
