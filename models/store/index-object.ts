import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { ModelError } from '#data/errors.ts'
import { SERVED_KINDS } from '../regime.ts'
import type { Registry } from '../registry.ts'
import { reignOf } from '../registry-history.ts'
import { findExpiry, isMove, type LogEntry } from '../registry-log.ts'
import type { ObjectStore, StoredObject } from './object-store.ts'
import { publishVersion } from './versions.ts'

/**
 * What serves, as one small object of the store: the champions in the order of their promotions, and what must not serve
 * any more. Its revision is the number of changes that the registry has logged, so that the older of two is known.
 */

const INDEX_KEY = 'index.json'
/** Bytes; a thousand expired versions take a fifth of it. */
const MOST_INDEX = 2 ** 20

const kind = z.enum(SERVED_KINDS)
const version = { kind, id: z.string(), time: z.int(), reason: z.string() }

export const StoreIndex = z.strictObject({
  schemaVersion: z.literal(1),
  revision: z.int().min(0),
  /** The one promoted last is last. Without a role: an alias that no promotion has moved. */
  champions: z.array(
    z.strictObject({
      ...version,
      role: z.enum(['lead', 'fallback']).optional(),
      forced: z.literal(true).optional(),
      verdict: z.string().optional(),
    }),
  ),
  expired: z.array(z.strictObject(version)),
})
export type StoreIndex = z.infer<typeof StoreIndex>

/** What serves in a registry now. */
export async function readRegistryIndex(registry: Registry): Promise<StoreIndex> {
  const { entries } = await registry.log()
  const champions: { position: number; champion: StoreIndex['champions'][number] }[] = []
  const expired: StoreIndex['expired'] = []
  for (const kind of SERVED_KINDS) {
    const id = await registry.find(kind, 'champion')
    const there = await registry.list(kind)
    for (const entry of entries) {
      if (isMove(entry) || entry.action !== 'expire' || entry.kind !== kind || !there.includes(entry.id)) continue
      expired.push({ kind, id: entry.id, time: entry.time, reason: entry.reason })
    }
    if (id === undefined) continue
    const reign = reignOf(entries, kind, id)
    // An alias that was moved by hand leads nothing (`servingOrder`), and nothing is known of when.
    const {
      position = -1,
      time = 0,
      role = reign ? undefined : 'fallback',
      reason = 'by hand',
      forced,
      verdict,
    } = reign ?? {}
    champions.push({
      position,
      champion: {
        kind,
        id,
        time,
        reason,
        ...(role && { role }),
        ...(forced && { forced }),
        ...(verdict && { verdict }),
      },
    })
  }
  champions.sort((a, b) => a.position - b.position)
  return { schemaVersion: 1, revision: entries.length, champions: champions.map(({ champion }) => champion), expired }
}

/** @returns the index and its etag, `unchanged`, or undefined where the store has none */
export async function fetchIndex(
  store: ObjectStore,
  options: { readonly ifNoneMatch?: string; readonly signal?: AbortSignal } = {},
): Promise<{ readonly index: StoreIndex; readonly etag: string } | 'unchanged' | undefined> {
  const object = await store.get(INDEX_KEY, { most: MOST_INDEX, ...options })
  if (object === undefined || object === 'unchanged') return object
  return { index: parseIndex(object, `${store.description}/${INDEX_KEY}`), etag: object.etag }
}

/** @throws {ModelError} for what is no index */
function parseIndex({ bytes }: StoredObject, where: string): StoreIndex {
  let json: unknown
  try {
    json = JSON.parse(Buffer.from(bytes).toString())
  } catch (cause) {
    throw new ModelError(`${where} is not whole JSON (${bytes.length} bytes): publish again`, { where }, cause)
  }
  const checked = StoreIndex.safeParse(json)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  throw new ModelError(`${where}: ${issue.path.join('.') || 'index'}: ${issue.message}`, { where })
}

/** What came of publishing. */
export interface Published {
  readonly revision: number
  /** False where the store knew it already. */
  readonly changed: boolean
  /** `kind id` of the versions that were put into the store. */
  readonly versions: readonly string[]
}

/** Writers that meet take turns; so many meetings are a fault. */
const MOST_TURNS = 10

/**
 * Tells the store what serves: its champions first, where the store lacks them, then the index. Safe to repeat, and to do
 * in several processes at once; an older state never replaces a newer one.
 *
 * @throws {ModelError} where the store holds what another registry made, or this one before changes that it has lost
 * @throws {UnavailableError} where the store does not answer
 */
export async function publishIndex(store: ObjectStore, registry: Registry, signal?: AbortSignal): Promise<Published> {
  const versions: string[] = []
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    const there = await fetchIndex(store, { signal })
    if (there === 'unchanged') break
    // Read after the store's: whoever wrote that may have changed this registry just now.
    const index = await readStill(registry)
    if (there) {
      const same = isDeepStrictEqual(there.index, index)
      if (same) return { revision: index.revision, changed: versions.length > 0, versions }
      if (there.index.revision >= index.revision) throw diverged(store, registry, there.index, index)
    }
    for (const { kind, id } of index.champions) {
      if (await publishVersion(store, registry, { kind, id, signal })) versions.push(`${kind} ${id}`)
    }
    const bytes = Buffer.from(`${JSON.stringify(index, undefined, 2)}\n`)
    const condition = there ? { ifMatch: there.etag } : { ifAbsent: true }
    const written = await store.put(INDEX_KEY, bytes, { ...condition, signal })
    if (written !== 'refused') return { revision: index.revision, changed: true, versions }
  }
  throw new ModelError(`${store.description}/${INDEX_KEY} changed ${MOST_TURNS} times while it was to be written`)
}

/** While nobody changes the registry: in the middle of a change its log is ahead of its aliases. */
async function readStill(registry: Registry): Promise<StoreIndex> {
  let index: StoreIndex | undefined
  await registry.change(async () => {
    index = await readRegistryIndex(registry)
    return []
  })
  return index!
}

function diverged(store: ObjectStore, registry: Registry, theirs: StoreIndex, ours: StoreIndex): ModelError {
  return new ModelError(
    `${store.description} tells of ${theirs.revision} changes of a registry, ${registry.directory} knows ${ours.revision} and ` +
      `is not the same: is it an old copy, or does another fleet use this store? Nothing was published. To start over, ` +
      `remove ${INDEX_KEY} from the store`,
    { store: store.description, theirs: theirs.revision, ours: ours.revision },
  )
}

/**
 * The log entries that bring a registry which follows from what it knows to what `index` says; none where it is there.
 * To be called within its `change`.
 */
export async function changesTowards(registry: Registry, index: StoreIndex): Promise<LogEntry[]> {
  const here = await readRegistryIndex(registry)
  const { entries } = await registry.log()
  // Also of versions that are not here: they may be asked for by name later.
  const changes: LogEntry[] = index.expired
    .filter(({ kind, id }) => !findExpiry(entries, kind, id))
    .map((version) => ({ action: 'expire', ...version }))
  if (isDeepStrictEqual(here.champions, index.champions)) return changes
  for (const { id, ...champion } of index.champions) {
    const from = (await registry.find(champion.kind, 'champion')) ?? null
    changes.push({ ...champion, alias: 'champion', from, to: id })
  }
  return changes
}
