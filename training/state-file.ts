import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import writeFileAtomic from 'write-file-atomic'
import { codeOf, writing } from '#models/durable-files.ts'
import type { TrainingState } from './training-state.ts'

/** Changes whenever the content of a state changes its meaning: older ones are then not gone on with. */
const FORMAT = 1
const SUFFIX = '.state'
/** How long the state of a training that nobody goes on with is kept, milliseconds: a week. */
const KEPT = 7 * 24 * 3_600_000
const DIGEST_BYTES = 32

/** The state of one training on disk, from its first epoch until it is done. */
export interface StateFile {
  readonly path: string
  /**
   * The state that an earlier process left.
   *
   * @returns undefined where there is none; or why one that is there cannot be used
   */
  read(): Promise<{ readonly state: TrainingState } | { readonly unusable: string } | undefined>
  /**
   * Keeps a state in place of the one before; at any instant one of both is there, whole.
   *
   * @throws {FatalError} where the disk is full or refuses
   */
  write(state: TrainingState): Promise<void>
  /** Removes it: the training is done. */
  remove(): Promise<void>
}

/**
 * The file that keeps the state of a training.
 *
 * @param directory made with the first write
 * @param identity everything that decides what comes of the training, as JSON data: only the very same training goes on
 */
export function stateFile(directory: string, identity: unknown): StateFile {
  const key = createHash('sha256')
    .update(JSON.stringify([FORMAT, identity]))
    .digest('hex')
    .slice(0, 24)
  const path = join(directory, `${key}${SUFFIX}`)
  return {
    path,
    async read() {
      let bytes: Buffer
      try {
        bytes = await readFile(path)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return undefined
        return { unusable: `${path} cannot be read: ${error instanceof Error ? error.message : error}` }
      }
      const body = bytes.subarray(DIGEST_BYTES)
      if (bytes.length < DIGEST_BYTES || !digest(body).equals(bytes.subarray(0, DIGEST_BYTES))) {
        return { unusable: `${path} was changed or is not whole` }
      }
      // The digest vouches for what we wrote ourselves, so its shape need not be checked again.
      return { state: deserialize(body) as TrainingState }
    },
    async write(state) {
      const body = serialize(state)
      await writing(path, async () => {
        await mkdir(directory, { recursive: true })
        await writeFileAtomic(path, Buffer.concat([digest(body), body]))
      })
    },
    remove: () => rm(path, { force: true }),
  }
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/**
 * Removes states that nobody has gone on with for a week.
 *
 * @param now UTC milliseconds
 */
export async function sweepStates(directory: string, now: number): Promise<void> {
  const names = await readdir(directory).catch((error) => {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  })
  for (const name of names) {
    if (!name.endsWith(SUFFIX)) continue
    const path = join(directory, name)
    const age = await stat(path).then(
      ({ mtimeMs }) => now - mtimeMs,
      (error) => {
        // Its training was done in the meantime.
        if (codeOf(error) === 'ENOENT') return 0
        throw error
      },
    )
    if (age > KEPT) await rm(path, { force: true })
  }
}
