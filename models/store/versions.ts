import { ModelError } from '#data/errors.ts'
import { parseCard, sha256 } from '../card.ts'
import { codeOf, writeFolderAtomically } from '../durable-files.ts'
import { CARD_FILE, FILE_NAME, type Registry } from '../registry.ts'
import { versionFolder } from '../registry-change.ts'
import type { VersionName } from '../registry-expiry.ts'
import type { ObjectStore } from './object-store.ts'

/**
 * Versions of models in an object store: `versions/<kind>/<id>/<file>`. A version never changes and its id covers its
 * card, and the card every file: what is there is whole and right, or is refused.
 */

/** A card is text of some kilobytes; bytes. */
const MOST_CARD = 2 ** 20

function keyOf({ kind, id }: VersionName, file: string): string {
  return `versions/${kind}/${id}/${file}`
}

/** A version, and what stops the transfer of it. */
export interface Transfer extends VersionName {
  readonly signal?: AbortSignal
}

/**
 * Puts a version of the registry into the store; one that is there already is left alone. The card comes last: a
 * version whose card is there is whole. To have one written anew, remove its card from the store.
 *
 * @returns whether it was not there before
 * @throws {ModelError} where the registry's own is not whole
 * @throws {UnavailableError} where the store does not answer
 */
export async function publishVersion(store: ObjectStore, registry: Registry, transfer: Transfer): Promise<boolean> {
  const { kind, id, signal } = transfer
  const { card, files } = await registry.read(kind, id)
  const cardKey = keyOf(transfer, CARD_FILE)
  if (await store.head(cardKey, signal)) return false
  for (const [name, bytes] of files) {
    const key = keyOf(transfer, name)
    if ((await store.put(key, bytes, { ifAbsent: true, signal })) !== 'refused') continue
    // Left by one who was interrupted, or put there by somebody else: ours is known to be right.
    const there = await store.get(key, { signal }).catch(unlessTooLong)
    if (there && there !== 'unchanged' && sha256(there.bytes) === card.files[name].sha256) continue
    await store.put(key, bytes, { signal })
  }
  await store.put(cardKey, Buffer.from(`${JSON.stringify(card, undefined, 2)}\n`), { signal })
  return true
}

function unlessTooLong(error: unknown): undefined {
  if (!(error instanceof ModelError)) throw error
}

/**
 * Has a version in the registry's folder: what is there and whole is left alone, else every file is read from the store
 * and checked against the card before the folder appears, at once.
 *
 * @param transfer `now`, UTC milliseconds, goes into the log where a damaged copy is removed
 * @returns whether it had to be read from the store
 * @throws {ModelError} naming the object that is missing or is not what the card says; nothing has changed then
 * @throws {UnavailableError} where the store does not answer
 * @throws {FatalError} where the disk is full or refuses
 */
export async function fetchVersion(
  store: ObjectStore,
  registry: Registry,
  transfer: Transfer & { readonly now: number },
): Promise<boolean> {
  const { kind, id, now } = transfer
  if ((await faultOf(registry, transfer)) === undefined) return false
  const contents = await readVersion(store, transfer)
  // Only now, when there is something better: a copy that was damaged on this disk. Another process that shares the
  // folder may have put a good one there meanwhile, and serve from it.
  if ((await registry.list(kind)).includes(id)) {
    await registry.change(async () => {
      const reason = await faultOf(registry, transfer)
      return reason === undefined ? [] : [{ time: now, action: 'delete', kind, id, reason }]
    })
  }
  await writeFolderAtomically(versionFolder(registry.directory, kind, id), contents).catch((error) => {
    // Another process fetched the same version in the meantime.
    if (!['ENOTEMPTY', 'EEXIST'].includes(codeOf(error) ?? '')) throw error
  })
  await registry.read(kind, id)
  return true
}

/** What is wrong with the copy in the registry; undefined for one that is whole. */
async function faultOf(registry: Registry, { kind, id }: VersionName): Promise<string | undefined> {
  return registry.read(kind, id).then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof ModelError) return error.message
      throw error
    },
  )
}

/** All files of a version, the card among them, checked. */
async function readVersion(store: ObjectStore, transfer: Transfer): Promise<Map<string, Uint8Array>> {
  const { kind, id, signal } = transfer
  const nameOf = (file: string) => `${store.description}/${keyOf(transfer, file)}`
  const fail = (file: string, words: string): never => {
    throw new ModelError(`${nameOf(file)} ${words}`, { kind, id, file })
  }
  const read = async (file: string, most: number) => {
    const object = await store.get(keyOf(transfer, file), { most, signal })
    return object === undefined || object === 'unchanged' ? fail(file, 'is missing: publish it again') : object.bytes
  }
  const text = await read(CARD_FILE, MOST_CARD)
  const card = parseCard(Buffer.from(text).toString(), nameOf(CARD_FILE))
  if (card.kind !== kind || card.id !== id) fail(CARD_FILE, `is the card of ${card.kind} ${card.id}`)
  const contents = new Map<string, Uint8Array>()
  for (const [file, expected] of Object.entries(card.files)) {
    // The card comes from elsewhere: a name in it must not lead out of the version's folder.
    if (!FILE_NAME.test(file) || file === CARD_FILE)
      fail(CARD_FILE, `names "${file}", which cannot be a file of a version`)
    const bytes = await read(file, expected.bytes)
    if (bytes.length !== expected.bytes) fail(file, `has ${bytes.length} bytes, the card says ${expected.bytes}`)
    if (sha256(bytes) !== expected.sha256) fail(file, 'was changed: its sha256 is not the one on the card')
    contents.set(file, bytes)
  }
  return contents.set(CARD_FILE, text)
}
