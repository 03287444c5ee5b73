import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import writeFileAtomic from 'write-file-atomic'
import { FatalError } from '#data/errors.ts'

const DIGEST_BYTES = 32

/**
 * Reads plain data that {@link writeChecked} kept.
 *
 * @param onDamaged told where the file is there and does not match its own SHA-256
 * @returns undefined where it is not there, or damaged
 */
export async function readChecked(path: string, onDamaged: () => void): Promise<unknown> {
  let bytes: Buffer
  try {
    bytes = await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const content = bytes.subarray(DIGEST_BYTES)
  if (digestOf(content).equals(bytes.subarray(0, DIGEST_BYTES))) return deserialize(content)
  onDamaged()
  return undefined
}

/**
 * Keeps plain data in a file that begins with its own SHA-256, whole or not at all; its folder is made if need be.
 *
 * @param what for the message
 * @throws {FatalError} where it cannot be written
 */
export async function writeChecked(path: string, data: unknown, what: string): Promise<void> {
  const content = serialize(data)
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFileAtomic(path, Buffer.concat([digestOf(content), content]))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new FatalError(`${what} could not be kept: ${path}: ${reason}`, { path }, error)
  }
}

function digestOf(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}
