import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { UnavailableError } from '#data/errors.ts'
import { codeOf, writing } from './durable-files.ts'
import { isAbandoned, type Owner, ownerName, parseOwner } from './owner.ts'

/** The lock: a folder with one entry, whose name says who holds it. */
const LOCK = '.lock'
/** How long to wait for others, whose changes take well below a second, milliseconds. */
const PATIENCE = 20_000
/** What renaming a folder onto one that is not empty gives; on Windows also where it is empty. */
const TAKEN: readonly string[] = ['ENOTEMPTY', 'EEXIST', ...(process.platform === 'win32' ? ['EPERM', 'EACCES'] : [])]

/**
 * Does `work` while no other process (and no other caller in this one) changes the registry. A lock whose holder has
 * ended is taken over.
 *
 * It is taken by renaming a folder with our name in it to the lock's place, which succeeds only where there is none or
 * an empty one; it is taken over by removing the dead holder's entry, by its name, which can never hit the lock of
 * another who was quicker.
 *
 * @throws {UnavailableError} naming the holder when it is not free within `patience` milliseconds
 * @throws {FatalError} where the disk refuses
 */
export async function withRegistryLock<T>(directory: string, work: () => Promise<T>, patience = PATIENCE): Promise<T> {
  const me = await ownerName()
  const lock = join(directory, LOCK)
  const draft = `${lock}-${me}`
  const deadline = performance.now() + patience
  await writing(lock, () => mkdir(join(draft, me), { recursive: true }))
  try {
    while (!(await renamed(draft, lock))) {
      const holder = await clearAbandoned(lock, draft)
      if (!holder) continue
      if (performance.now() > deadline) {
        throw new UnavailableError(
          `${directory} is being changed by process ${holder.pid} on ${holder.host} (${lock}): try again when it is done`,
          { directory, ...holder },
        )
      }
      // Waiters of different processes shall not keep step.
      await pause(5 + (process.pid % 7))
    }
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
  try {
    return await work()
  } finally {
    await rmdir(join(lock, me)).catch(ignore('ENOENT'))
    await rmdir(lock).catch(ignore('ENOENT', ...TAKEN))
  }
}

/** Who is changing the registry now; undefined where nobody is, or whoever was has ended. */
export async function lockHolder(directory: string): Promise<Owner | undefined> {
  const lock = join(directory, LOCK)
  for (const name of await entries(lock)) {
    // Without a clock of the disk's to compare with, another machine's lock counts as held.
    if (!(await isAbandoned(name, 0))) return parseOwner(name)
  }
  return undefined
}

/** Names of lock folders that were made and never put in place. */
export function isLockDraft(name: string): string | undefined {
  return name.startsWith(`${LOCK}-`) ? name.slice(LOCK.length + 1) : undefined
}

async function renamed(draft: string, lock: string): Promise<boolean> {
  try {
    await rename(draft, lock)
    return true
  } catch (error) {
    if (TAKEN.includes(codeOf(error) ?? '')) return false
    throw error
  }
}

/** Clears the entries of those who have ended; gives a holder that has not. */
async function clearAbandoned(lock: string, draft: string): Promise<Owner | undefined> {
  const now = (await stat(draft)).mtimeMs
  for (const name of await entries(lock)) {
    const entry = join(lock, name)
    const made = await stat(entry).catch(() => undefined)
    // Gone in the meantime: somebody let go, or was quicker to take over.
    if (!made) continue
    // Both times are the disk's own: clocks of two machines may differ.
    if (!(await isAbandoned(name, now - made.mtimeMs))) return parseOwner(name) ?? { pid: 0, host: name }
    await rm(entry, { recursive: true, force: true })
  }
  // Only where it is empty, when it is nobody's.
  await rmdir(lock).catch(ignore('ENOENT', ...TAKEN))
  return undefined
}

async function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch((error) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
}

function ignore(...codes: string[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes(codeOf(error) ?? '')) throw error
  }
}
