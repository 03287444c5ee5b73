import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { SERVED_KINDS } from '#models/regime.ts'
import type { Serving, ServingOptions } from '#models/serving.ts'
import type { ServingOpener } from './open-serving.ts'

export interface WarmServingOptions {
  readonly modelsDirectory: string
  readonly open: ServingOpener
  readonly threads?: number
  readonly now: () => number
  /** Days after which a champion does not serve any more. */
  readonly maxAgeDays?: number
  readonly logger: Logger
  /** What is to be said of every answer for now, one sentence each. */
  readonly remarks?: () => readonly string[]
  /** Milliseconds after which a checkpoint is opened and verified again, default 600,000: it may have expired. */
  readonly longest?: number
}

/** What a job wants to be served by. */
export type Wanted = Pick<ServingOptions, 'only' | 'pinned'>

/** Keeps models loaded between jobs. */
export interface WarmServing {
  /** Calls `job` with what serves now; a champion that is replaced meanwhile stays open until `job` is through. */
  use<T>(wanted: Wanted, job: (serving: Serving) => Promise<T>): Promise<T>
  close(): Promise<void>
}

interface Slot {
  readonly stamp: string
  readonly opened: number
  readonly serving: Promise<Serving>
  users: number
  retired: boolean
}

const LONGEST = 600_000
/** Servings kept: champions, one kind alone, and the versions that the latest runs have pinned. */
const MOST = 6

/**
 * A warm serving for each thing wanted. Before each job the store's folders are looked at: a champion is moved by
 * renaming a file into one of them, which changes its modification time, and then the store is opened anew.
 */
export function createWarmServing(options: WarmServingOptions): WarmServing {
  const { modelsDirectory, now, maxAgeDays, threads, logger } = options
  /** The one used last is last. */
  const slots = new Map<string, Slot>()

  let seen: string | undefined
  /** Jobs that begin in the same turn of the event loop share a look. */
  const stamp = () => {
    if (seen === undefined) {
      seen = stampOf(modelsDirectory)
      setImmediate(() => {
        seen = undefined
      })
    }
    return seen
  }

  const release = async (slot: Slot) => {
    if (slot.retired && slot.users === 0) await (await slot.serving.catch(() => undefined))?.close()
  }
  const retire = (slot: Slot) => {
    slot.retired = true
    release(slot).catch((error) => logger.warn({ error: String(error) }, 'a model could not be closed'))
  }

  /** The slot to serve from, its user counted at once: nobody may retire it between here and the job. */
  const current = async ({ only, pinned }: Wanted): Promise<Slot> => {
    const found = stamp()
    const key = JSON.stringify([only ?? 'any', ...(pinned ?? []).map(({ kind, id }) => `${kind} ${id}`)])
    const known = slots.get(key)
    slots.delete(key)
    if (known?.stamp === found && now() - known.opened < (options.longest ?? LONGEST)) {
      known.users++
      slots.set(key, known)
      return known
    }
    const serving = options.open(modelsDirectory, { now: now(), maxAgeDays, threads, only, pinned })
    const slot: Slot = { stamp: found, opened: now(), serving, users: 1, retired: false }
    slots.set(key, slot)
    if (known) retire(known)
    for (const [oldest, unused] of slots) {
      if (slots.size <= MOST) break
      slots.delete(oldest)
      retire(unused)
    }
    serving.then(
      ({ kind, id, degradations }) => {
        logger.info({ kind, id }, `serving ${kind} ${id ?? ''}`.trim())
        for (const words of degradations) logger.warn({ kind, id }, words)
      },
      // The job that waits for it reports the error; the next one shall try again.
      () => slots.get(key) === slot && slots.delete(key),
    )
    return slot
  }

  return {
    async use(wanted, job) {
      const slot = await current(wanted)
      try {
        const serving = await slot.serving
        const remarks = options.remarks?.() ?? []
        return await job({ ...serving, degradations: [...serving.degradations, ...remarks] })
      } finally {
        slot.users--
        await release(slot)
      }
    },
    async close() {
      const open = [...slots.values()]
      slots.clear()
      for (const slot of open) slot.retired = true
      await Promise.all(open.map(release))
    },
  }
}

/**
 * Changes whenever something is put into or moved within the store. Synchronous: asked by way of the thread pool, three
 * folders cost a job 110 microseconds of processor time, and so 10.
 */
function stampOf(directory: string): string {
  return [directory, ...SERVED_KINDS.map((kind) => join(directory, kind))].map(changedAt).join(' ')
}

function changedAt(folder: string): string {
  try {
    return String(statSync(folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 'absent')
  } catch {
    // Whatever keeps us from looking keeps the model from being opened, which says why.
    return 'absent'
  }
}
