import { link, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InputError, ModelError, UnavailableError } from '#data/errors.ts'
import { codeOf, writing } from '../durable-files.ts'
import { ownerName } from '../owner.ts'
import { withRegistryLock } from '../registry-lock.ts'
import { checkKey, MOST_BYTES, type ObjectStore } from './object-store.ts'

/** Drafts of objects, and the lock of those that are replaced; no key begins with a dot. */
const DRAFTS = '.drafts'

/**
 * Objects as files of a folder that all machines have in common (NFS, a volume).
 *
 * An object appears by link(2), which fails where there is one, or by rename(2); both are one step on local disks and
 * on NFS.
 */
export function openFolderStore(directory: string): ObjectStore {
  const pathOf = (key: string) => {
    checkKey(key)
    return join(directory, key)
  }

  /** Writes `bytes` beside the objects, has `place` put them where they belong, and leaves nothing behind. */
  async function throughDraft<T>(path: string, bytes: Uint8Array, place: (draft: string) => Promise<T>): Promise<T> {
    const draft = join(directory, DRAFTS, await ownerName())
    return writing(path, async () => {
      await mkdir(dirname(draft), { recursive: true })
      await mkdir(dirname(path), { recursive: true })
      try {
        const handle = await open(draft, 'wx')
        try {
          await handle.writeFile(bytes)
          await handle.sync()
        } finally {
          await handle.close()
        }
        return await place(draft)
      } finally {
        await rm(draft, { force: true })
      }
    })
  }

  async function etagAt(path: string, signal?: AbortSignal): Promise<{ etag: string; bytes: number } | undefined> {
    signal?.throwIfAborted()
    return reading(path, async () => etagOf(await stat(path, { bigint: true })))
  }

  return {
    description: directory,

    async get(key, { ifNoneMatch, most = MOST_BYTES, signal } = {}) {
      const path = pathOf(key)
      signal?.throwIfAborted()
      return reading(path, async () => {
        const handle = await open(path, 'r')
        try {
          // Of the file that was opened: its name may be given to another meanwhile.
          const { etag, bytes: length } = etagOf(await handle.stat({ bigint: true }))
          if (etag === ifNoneMatch) return 'unchanged' as const
          if (length > most) throw tooLong(path, length, most)
          return { etag, bytes: await handle.readFile({ signal }) }
        } finally {
          await handle.close()
        }
      })
    },

    async put(key, bytes, { ifAbsent, ifMatch, signal } = {}) {
      const path = pathOf(key)
      signal?.throwIfAborted()
      const replace = (draft: string) => rename(draft, path)
      if (ifMatch !== undefined) {
        // Nothing in a file system compares and replaces in one step; all who do so take turns.
        return withRegistryLock(directory, async () => {
          if ((await etagAt(path))?.etag !== ifMatch) return 'refused'
          await throughDraft(path, bytes, replace)
          return { etag: (await etagAt(path))!.etag }
        })
      }
      const done = await throughDraft(path, bytes, async (draft) => {
        if (!ifAbsent) return replace(draft)
        return link(draft, path).catch((error) => {
          if (codeOf(error) === 'EEXIST') return 'refused' as const
          throw error
        })
      })
      return done === 'refused' ? done : { etag: (await etagAt(path))!.etag }
    },

    async head(key, signal) {
      return etagAt(pathOf(key), signal)
    },
  }
}

/** A file is replaced by another one, never written again: which one it is and since when tells it apart. */
function etagOf({ ino, mtimeNs, size }: { ino: bigint; mtimeNs: bigint; size: bigint }) {
  return { etag: `${ino}-${mtimeNs}-${size}`, bytes: Number(size) }
}

export function tooLong(what: string, length: number, most: number): ModelError {
  return new ModelError(`${what} has ${length} bytes, at most ${most} were expected`, { what, length, most })
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (cause) {
    const code = codeOf(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    if (code === 'EACCES' || code === 'EPERM') {
      throw new InputError(`${path} cannot be read: permission denied (${code})`, { path, code }, cause)
    }
    // A share that is away: ESTALE, EIO, ETIMEDOUT, EHOSTDOWN ...
    if (code !== undefined && code !== 'ABORT_ERR') {
      throw new UnavailableError(`${path} cannot be read now (${code})`, { path, code }, cause)
    }
    throw cause
  }
}
