import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { ModelError } from '#data/errors.ts'
import { readOrNothing, replaceFile } from '../durable-files.ts'
import { SERVED_KINDS } from '../regime.ts'
import type { Registry } from '../registry.ts'
import type { VersionName } from '../registry-expiry.ts'
import type { LogEntry } from '../registry-log.ts'
import { changesTowards, fetchIndex, StoreIndex } from './index-object.ts'
import type { ObjectStore } from './object-store.ts'
import { fetchVersion } from './versions.ts'

/** @see followIndex */
export interface FollowOptions {
  readonly store: ObjectStore
  /** The cache: a registry that nobody else promotes in. Several processes of one machine may share it. */
  readonly registry: Registry
  readonly now: () => number
  /** Milliseconds between two looks, default 5,000. */
  readonly interval?: number
  /** Milliseconds without a successful look after which it is said that what serves may be out of date, default 120,000. */
  readonly staleAfter?: number
  /** Told when the cache was changed. */
  readonly onChange?: (words: string) => void
  /** Told of trouble once, when it begins or changes, and with undefined when it is over. */
  readonly onTrouble?: (words: string | undefined) => void
}

/** Keeps the cache like the store. */
export interface Follower {
  /**
   * Looks once, now.
   *
   * @throws {MillraceError} what stood in the way; the cache is then as it was
   */
  look(signal?: AbortSignal): Promise<void>
  /** Has a version in the cache that was asked for by name. @throws as `fetchVersion` */
  fetch(version: VersionName): Promise<void>
  /** What is not as it should be, one sentence each; empty when what serves is what the store says. */
  degradations(): readonly string[]
  /** Looks every so often until stopped. */
  start(): void
  stop(): Promise<void>
}

const INTERVAL = 5_000
const STALE_AFTER = 120_000
/** Versions of a kind that are kept besides the champions. */
const KEPT = 10
/** What was followed last, beside the registry's own files. */
const STATE_FILE = 'followed.json'

/**
 * Follows the index of a store: versions are fetched and checked first, then aliases move in one change of the registry.
 * Where the store is away, or what it holds is not right, the cache stays as it is and goes on serving.
 */
export function followIndex(options: FollowOptions): Follower {
  const { store, registry, now, interval = INTERVAL, staleAfter = STALE_AFTER } = options
  const statePath = join(registry.directory, STATE_FILE)
  const stopped = new AbortController()
  let running: Promise<void> | undefined
  let etag: string | undefined
  let current = now()
  let trouble: string | undefined
  /** Trouble that is told at once: what the store holds is wrong. Being away is told after a while. */
  let wrong = false

  async function apply(index: StoreIndex, signal?: AbortSignal): Promise<void> {
    for (const { kind, id } of index.champions) await fetchVersion(store, registry, { kind, id, now: now(), signal })
    const changes = await registry.change(async () => {
      // Another process that shares the cache may have got further.
      const known = await readState(statePath, store)
      if (known && index.revision < known.revision) throw wentBack(known.revision, index.revision)
      const entries = [...(await changesTowards(registry, index)), ...(await surplus(registry, index, now()))]
      // Before the change: whoever is killed between the two makes it at the next look.
      await replaceFile(statePath, `${JSON.stringify({ store: store.description, index })}\n`)
      return entries
    })
    const moved = changes.flatMap((entry) =>
      'alias' in entry && entry.from !== entry.to ? `${entry.kind} ${entry.to}` : [],
    )
    if (moved.length > 0) options.onChange?.(`champion ${moved.join(' and ')} from ${store.description}`)
  }

  function wentBack(known: number, revision: number): ModelError {
    const words = `${store.description} went back from ${known} changes to ${revision}`
    return new ModelError(`${words}: what was known stays; if it was meant, remove ${statePath}`, { known, revision })
  }

  async function look(signal: AbortSignal = stopped.signal): Promise<void> {
    try {
      const found = await fetchIndex(store, { ifNoneMatch: etag, signal })
      if (found === undefined) {
        tell(`${store.description} holds no index: nothing was published there yet`)
        return
      }
      if (found !== 'unchanged') {
        await apply(found.index, signal)
        etag = found.etag
      }
      current = now()
      wrong = false
      tell(undefined)
    } catch (error) {
      if (signal.aborted) throw error
      wrong = error instanceof ModelError
      tell(error instanceof Error ? error.message : String(error))
      throw error
    }
  }

  function tell(words: string | undefined): void {
    if (words === trouble) return
    trouble = words
    options.onTrouble?.(words)
  }

  async function loop(): Promise<void> {
    while (!stopped.signal.aborted) {
      await pause(interval, undefined, { ref: false, signal: stopped.signal }).catch(() => {})
      if (stopped.signal.aborted) return
      // Told already; the next look may find it mended.
      await look().catch(() => {})
    }
  }

  return {
    look,
    async fetch({ kind, id }) {
      await fetchVersion(store, registry, { kind, id, now: now(), signal: stopped.signal })
    },
    degradations() {
      if (trouble === undefined) return []
      const age = now() - current
      if (!wrong && age < staleAfter) return []
      const since = `for ${Math.round(age / 1000)} s what serves may not be what was promoted last`
      return [`degraded: ${since}: ${trouble}`]
    },
    start() {
      running ??= loop()
    },
    async stop() {
      stopped.abort(new Error('the follower was stopped'))
      await running
    },
  }
}

/** What was followed last in this folder, if it was this store. */
async function readState(path: string, store: ObjectStore): Promise<StoreIndex | undefined> {
  const text = (await readOrNothing(path))?.toString()
  if (text === undefined) return undefined
  try {
    const state = JSON.parse(text) as { store?: unknown; index?: unknown }
    return state.store === store.description ? StoreIndex.safeParse(state.index).data : undefined
  } catch {
    // Torn by hand or disk: it only says how far this cache was.
    await rm(path, { force: true })
    return undefined
  }
}

/** The oldest versions that are more than enough: a cache must not grow for ever. */
async function surplus(registry: Registry, { champions }: StoreIndex, time: number): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for (const kind of SERVED_KINDS) {
    const serving = new Set(champions.filter((champion) => champion.kind === kind).map(({ id }) => id))
    const others = (await registry.list(kind)).filter((id) => !serving.has(id))
    for (const id of others.slice(0, -KEPT)) {
      entries.push({ time, action: 'delete', kind, id, reason: 'the cache holds newer ones' })
    }
  }
  return entries
}
