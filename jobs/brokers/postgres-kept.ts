import { createHash, randomBytes } from 'node:crypto'
import { chmod, chown, lstat, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import writeFileAtomic from 'write-file-atomic'
import { z } from 'zod'
import { FatalError, UnavailableError } from '#data/errors.ts'
import { isAbandoned, type Owner, parseOwner } from '#models/owner.ts'
import { withRegistryLock } from '#models/registry-lock.ts'
import { type Account, openToAll, serverAccount } from './postgres-binaries.ts'
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
import { reachableBinaries } from './postgres-server.ts'
import { endServer } from './postgres-sweep.ts'
import { serverFailure } from './postgres-words.ts'

export interface KeptPostgresOptions {
  /** The data is in `kept/` below it. */
  readonly parent: string
  /** Who it is kept for, a name of `ownerName`: told to others who want the same. */
  readonly owner: string
  /** Ends it all, in order. */
  readonly stop: AbortSignal
  onReady(server: { readonly url: string; readonly directory: string; readonly notes: readonly string[] }): void
  /** The server has died, or does not start again: its last words. */
  onLost(words: string): void
  /** It answers again, at the same URL. */
  onBack(): void
}

/** What a server may take to start, milliseconds: after a crash it goes through its log first. */
const PATIENCE = 120_000
/** How long the keeper of an owner that has ended, or of one at work, is waited for, milliseconds. */
const HANDOVER = 6_000
const NO_HANDOVER = 300
/** First and longest pause between two attempts to bring a dead server back, milliseconds. */
const AGAIN_FIRST = 100
const AGAIN_LONGEST = 10_000
const OWNER = 'owner'
/**
 * What was confirmed is on the disk, also after a power cut: jobs are to survive. The log is kept small: a queue's data
 * is, too.
 */
const SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  max_wal_size: '256MB',
  // After a crash PostgreSQL makes sure of every file of the cluster, one by one: seconds, where Linux has one call.
  ...(process.platform === 'linux' && { recovery_init_sync_method: 'syncfs' }),
}
const INITDB_OPTIONS = process.platform === 'linux' ? ['--sync-method=syncfs'] : []

/** How the server is reached; never changes as long as the port is free, so that those who were given it may keep it. */
const addressSchema = z.strictObject({ port: z.int().positive(), password: z.string().min(1) })
type Address = z.infer<typeof addressSchema>

/**
 * Keeps a PostgreSQL whose data outlives it, and brings it back when it dies, until told to stop.
 *
 * One owner at a time: the folder is locked for as long as this takes. A server that a killed owner left running is
 * ended first.
 *
 * @throws {UnavailableError} naming the owner when there is another
 * @throws {FatalError} when the data cannot be made or the server does not start the first time
 */
export async function keepPostgres(options: KeptPostgresOptions): Promise<void> {
  const notes: string[] = []
  const account = serverAccount()
  const directory = await keptDirectory(options.parent, account, notes)
  const patience = (await ownerAtWork(directory)) ? NO_HANDOVER : HANDOVER
  try {
    await withRegistryLock(directory, () => serve(options, directory, account, notes), patience)
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    const { pid, host } = (await ownerAtWork(directory)) ?? (error.details as unknown as Owner)
    throw new UnavailableError(
      `the embedded broker of ${options.parent} belongs to process ${pid} on ${host}: stop that one first, or use ` +
        'another folder with --state',
      { directory, pid, host },
      error,
    )
  }
}

/** The living owner of the data; undefined where there is none, or one that has ended and whose keeper soon will. */
async function ownerAtWork(directory: string): Promise<Owner | undefined> {
  const name = await readFile(join(directory, OWNER), 'utf8').catch(() => '')
  return name === '' || (await isAbandoned(name, 0)) ? undefined : parseOwner(name)
}

async function serve(
  options: KeptPostgresOptions,
  directory: string,
  account: Account | undefined,
  notes: string[],
): Promise<void> {
  const { stop } = options
  await writeFileAtomic(join(directory, OWNER), options.owner)
  await endServer(directory)
  const files: PostgresFiles = { directory, account, binaries: await reachableBinaries(directory, account, notes) }
  const kept = await readOrMakeCluster(files)
  let { server, address } = await startFirst(files, kept)
  try {
    options.onReady({ url: urlOf(address), directory, notes })
    for (;;) {
      const words = await Promise.race([server.exited, aborted(stop)])
      if (words === undefined) return
      options.onLost(words.split('\n').at(-1) ?? '')
      const next = await bringBack(files, address, options)
      if (!next) return
      server = next
      options.onBack()
    }
  } finally {
    await stopServer(server.child)
    await rm(join(directory, OWNER), { force: true })
  }
}

/** @returns undefined when told to stop before it was back */
async function bringBack(
  files: PostgresFiles,
  address: Address,
  { stop, onLost }: KeptPostgresOptions,
): Promise<RunningServer | undefined> {
  for (let pause = AGAIN_FIRST; !stop.aborted; pause = Math.min(2 * pause, AGAIN_LONGEST)) {
    try {
      return await startServer(files, address.port, SETTINGS, PATIENCE)
    } catch (error) {
      // Processes of the dead server may hold its memory for a moment; a full disk may be mended by somebody.
      onLost(error instanceof Error ? error.message : String(error))
    }
    await Promise.race([delay(pause), aborted(stop)])
  }
  return undefined
}

/** Starts it where it was reached before, or elsewhere where somebody else listens there now. */
async function startFirst(files: PostgresFiles, kept: Address): Promise<{ server: RunningServer; address: Address }> {
  try {
    return { server: await startServer(files, kept.port, SETTINGS, PATIENCE), address: kept }
  } catch (error) {
    if (!isPortTaken(error)) throw error
  }
  const address = { ...kept, port: await freePort() }
  await writeAddress(files, address)
  return { server: await startServer(files, address.port, SETTINGS, PATIENCE), address }
}

/** The cluster appears whole or not at all: made beside its place, then renamed. */
async function readOrMakeCluster(files: PostgresFiles): Promise<Address> {
  const { directory } = files
  const data = join(directory, 'data')
  if (await exists(data)) return readAddress(directory)
  const draft = 'data-draft'
  await rm(join(directory, draft), { recursive: true, force: true })
  const address = { port: await freePort(), password: randomBytes(18).toString('base64url') }
  await initialise(files, address.password, draft, INITDB_OPTIONS)
  await writeAddress(files, address)
  await rename(join(directory, draft), data)
  return address
}

async function readAddress(directory: string): Promise<Address> {
  const path = join(directory, 'address.json')
  const text = await readFile(path, 'utf8').catch(() => '')
  try {
    return addressSchema.parse(JSON.parse(text))
  } catch {
    // Its words would hold the password.
    throw new FatalError(
      `${path} is missing or damaged, and with it the password of the embedded broker: remove ${directory} (the jobs ` +
        'that wait in it are lost; what was done is not)',
      { path },
    )
  }
}

async function writeAddress({ directory }: PostgresFiles, address: Address): Promise<void> {
  await writeFileAtomic(join(directory, 'address.json'), `${JSON.stringify(address)}\n`, { mode: 0o600 })
}

const urlOf = ({ port, password }: Address) => `postgres://${USER}:${password}@127.0.0.1:${port}/postgres`

/** Where the account of the server can neither reach the folder nor what is above it, its place is `/var/tmp`. */
async function keptDirectory(parent: string, account: Account | undefined, notes: string[]): Promise<string> {
  try {
    await mkdir(parent, { recursive: true })
    let directory = join(parent, 'kept')
    if (account && !openToAll(parent)) {
      const place = createHash('sha256').update(resolve(parent)).digest('hex').slice(0, 16)
      directory = `/var/tmp/millrace-kept-${place}`
      notes.push(`PostgreSQL runs as "${account.name}", who cannot reach ${parent}: its files are in ${directory}`)
    }
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const owner = account?.uid ?? process.getuid?.()
    const found = await lstat(directory)
    if (account && found.uid === 0) await chown(directory, account.uid, account.gid)
    else if (owner !== undefined && found.uid !== owner) {
      throw new FatalError(`${directory} belongs to another user (${found.uid}): remove it, or choose another --state`)
    }
    await chmod(directory, 0o700)
    return directory
  } catch (error) {
    if (error instanceof FatalError) throw error
    throw serverFailure(`needs the folder ${parent}`, (error as Error).message, parent, error)
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
}
