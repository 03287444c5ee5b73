import { mkdir, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { FatalError, ModelError } from '#data/errors.ts'
import { ownerName } from './owner.ts'

/** What the machine must change before writing can succeed. */
const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space',
  EDQUOT: 'the disk quota is used up: free some space',
  EROFS: 'the file system is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  EIO: 'the disk reports an input/output error',
}

/** Error code of a failed system call. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Runs `write`, turning what the machine refuses into a {@link FatalError} that names `path`. */
export async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (cause) {
    const code = codeOf(cause)
    if (code === undefined || !(code in REMEDIES)) throw cause
    throw new FatalError(`cannot write ${path}: ${REMEDIES[code]} (${code})`, { path, code }, cause)
  }
}

/** Asks the disk to keep what was written: a rename is only safe once the content it points to is down. */
async function synchronise(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** On Windows a folder cannot be opened for fsync, and need not be: the file system journals its entries. */
async function synchroniseFolder(path: string): Promise<void> {
  if (process.platform !== 'win32') await synchronise(path)
}

/** Where a folder is put together before it appears; the rest of the name is its owner's. */
export const DRAFT = '.draft-'

/**
 * Makes `folder` with `files` in it appear at once or not at all: written beside its place under a hidden name, fsynced,
 * renamed. On any failure nothing is left behind.
 *
 * @throws {FatalError} where the disk is full or refuses
 */
export async function writeFolderAtomically(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const parent = dirname(folder)
  const draft = join(parent, `${DRAFT}${await ownerName()}`)
  await writing(folder, async () => {
    await mkdir(parent, { recursive: true })
    // Not recursive: a draft that is there already is somebody else's.
    await mkdir(draft)
    try {
      for (const [name, bytes] of files) {
        await writeFile(join(draft, name), bytes, { flush: true })
      }
      await synchroniseFolder(draft)
      await rename(draft, folder)
    } catch (error) {
      await rm(draft, { recursive: true, force: true })
      throw error
    }
    await synchroniseFolder(parent)
  })
}

/**
 * Appends `text` (whole lines) and fsyncs it. What does not fit on the disk is taken back, so that no torn line stays.
 *
 * @returns bytes of the file before
 * @throws {FatalError} where the disk is full or refuses
 */
export async function appendDurably(path: string, text: string): Promise<number> {
  return writing(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(path, 'a')
    try {
      const { size } = await handle.stat()
      try {
        await handle.appendFile(text)
        await handle.sync()
      } catch (error) {
        await handle.truncate(size)
        throw error
      }
      return size
    } finally {
      await handle.close()
    }
  })
}

/**
 * Ends a file of lines that a crash has torn with its last whole line: what it tore was never reported as written. A
 * last line that is `whole` and lacks only its end is completed.
 *
 * @param whole whether a line says all that it must
 */
export async function mendLastLine(path: string, whole: (line: string) => boolean): Promise<void> {
  await writing(path, async () => {
    const bytes = await readFile(path).catch((error) => {
      if (codeOf(error) === 'ENOENT') return Buffer.alloc(0)
      throw error
    })
    const end = bytes.lastIndexOf('\n') + 1
    if (end === bytes.length) return
    if (whole(bytes.toString('utf8', end))) await appendDurably(path, '\n')
    else await truncate(path, end)
  })
}

/**
 * Replaces a small text file: the old content or the new one is there at any moment, and the new one for good when this
 * resolves.
 *
 * @throws {FatalError} where the disk is full or refuses
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writing(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    await writeFileAtomic(path, text)
    await synchroniseFolder(dirname(path))
  })
}

/** Reads a file; `undefined` where there is none. What cannot be read for another reason is a broken model. */
export async function readOrNothing(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    const code = codeOf(cause)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ModelError(`${path} cannot be read (${code ?? cause})`, { path, code }, cause)
  }
}
