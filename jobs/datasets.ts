import { mkdir, readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { ModelError } from '#data/errors.ts'
import { encodeSnapshot, type Snapshot, snapshotHash } from '#data/snapshot.ts'
import type { SnapshotSpec } from '#data/source.ts'
import { codeOf, writing } from '#models/durable-files.ts'
import type { ObjectStore } from '#models/store/object-store.ts'

/**
 * Data sets on their way to machines that train and have no data: `datasets/<sha256>` in the store, and a folder of
 * those used last on each machine.
 */

/** Kept on a machine, the one used last first. */
const KEPT = 3

function keyOf(hash: string): string {
  return `datasets/${hash}`
}

/**
 * Puts the bars of a history into the store; the same bars again change nothing.
 *
 * @param history what `loadHistory` gives
 * @returns how others ask for them
 * @throws {UnavailableError} where the store does not answer
 */
export async function publishDataset(
  store: ObjectStore,
  history: Snapshot,
  signal?: AbortSignal,
): Promise<SnapshotSpec> {
  const { origin, bars, instruments } = history
  const file = await encodeSnapshot({ origin, bars, instruments })
  const hash = snapshotHash(file)
  const there = await store.head(keyOf(hash), signal)
  // One of another length was torn or changed: ours is known to be right.
  if (there?.bytes !== file.length) await store.put(keyOf(hash), file, { signal })
  return { source: 'snapshot', hash, origin }
}

/**
 * Has the file of a data set in `directory`, from the store where it is not there yet.
 *
 * @returns its path
 * @throws {ModelError} where the store lacks it, or holds something else under its name
 * @throws {UnavailableError} where the store does not answer
 * @throws {FatalError} where the disk is full or refuses
 */
export async function fetchDataset(
  store: ObjectStore,
  hash: string,
  directory: string,
  signal?: AbortSignal,
): Promise<string> {
  const path = join(directory, hash)
  const here = await readFile(path).catch((error) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
  if (here && snapshotHash(here) === hash) {
    // Used now: `tidy` goes by it.
    const now = new Date()
    await utimes(path, now, now)
    return path
  }
  const where = `${store.description}/${keyOf(hash)}`
  const object = await store.get(keyOf(hash), { signal })
  if (object === undefined || object === 'unchanged')
    throw new ModelError(`${where} is missing: run the retraining anew`, { hash })
  const found = snapshotHash(object.bytes)
  if (found !== hash) throw new ModelError(`${where} was changed: its sha256 is ${found}`, { hash, found })
  await writing(path, async () => {
    await mkdir(directory, { recursive: true })
    await writeFileAtomic(path, Buffer.from(object.bytes))
  })
  await tidy(directory)
  return path
}

/** Removes all but the newest. */
async function tidy(directory: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => /^[0-9a-f]{64}$/.test(name))
  const aged = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name)
      // Gone meanwhile: another worker of this machine tidies too.
      return { path, time: (await stat(path).catch(() => undefined))?.mtimeMs ?? 0 }
    }),
  )
  aged.sort((a, b) => b.time - a.time)
  for (const { path } of aged.slice(KEPT)) await rm(path, { force: true })
}
