import { mkdir } from 'node:fs/promises'
import writeFileAtomic from 'write-file-atomic'
import { FatalError } from '#data/errors.ts'

/**
 * Writes files into `directory`, which is made if need be; each whole or not at all (temporary file, fsync, rename).
 *
 * @throws {FatalError} when a file cannot be written (disk full, no permission)
 */
export async function writeFiles(directory: string, files: readonly { path: string; text: string }[]): Promise<void> {
  let path = directory
  try {
    await mkdir(directory, { recursive: true })
    for (const file of files) {
      path = file.path
      await writeFileAtomic(path, file.text)
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new FatalError(`Report not written: ${path}: ${reason}`, { path }, error)
  }
}
