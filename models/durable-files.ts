import { type FileHandle, mkdir, open, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FatalError } from '#data/errors.ts'

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

/**
 * Makes `folder` with `files` in it appear at once or not at all: written beside its place under a hidden name, fsynced,
 * renamed. On any failure nothing is left behind.
 *
 * @throws {FatalError} where the disk is full or refuses
 */
export async function writeFolderAtomically(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  const parent = dirname(folder)
  const draft = join(parent, `.draft-${process.pid}-${Math.trunc(performance.now() * 1000)}`)
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

/** True where a crash left the last line of a file without its end. */
async function endsTorn(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return false
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer.toString() !== '\n'
}

/**
 * Appends one line and fsyncs it. A line that does not fit on the disk is taken back, so that no torn line stays; one
 * that a crash has torn is closed first, so that it spoils no other.
 *
 * @returns takes the line back, unless others have appended theirs behind it
 * @throws {FatalError} where the disk is full or refuses
 */
export async function appendLine(path: string, line: string): Promise<() => Promise<void>> {
  return writing(path, async () => {
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(path, 'a+')
    try {
      const { size } = await handle.stat()
      const text = `${(await endsTorn(handle, size)) ? '\n' : ''}${line}\n`
      try {
        await handle.appendFile(text)
        await handle.sync()
      } catch (error) {
        await handle.truncate(size)
        throw error
      }
      return async () => {
        const { size: present } = await stat(path)
        if (present === size + Buffer.byteLength(text)) await truncate(path, size)
      }
    } finally {
      await handle.close()
    }
  })
}
