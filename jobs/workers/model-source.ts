import { join } from 'node:path'
import type { Logger } from 'pino'
import { InputError, MillraceError } from '#data/errors.ts'
import { SERVED_KINDS } from '#models/regime.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import { type Follower, followIndex } from '#models/store/follow.ts'
import type { ObjectStore } from '#models/store/object-store.ts'
import type { ServingOpener } from './open-serving.ts'

/** Where a worker's models come from. */
export interface ModelSource {
  readonly directory: string
  readonly open: ServingOpener
  /** Why what serves may not be what was promoted last, one sentence each. */
  remarks(): readonly string[]
  close(): Promise<void>
}

export interface ModelSourceOptions {
  /** A registry of this machine's own, or a shared folder; without it the store is followed. */
  readonly modelsDirectory?: string
  readonly store?: ObjectStore
  /** Holds the cache of what is followed. */
  readonly stateDirectory: string
  /** Milliseconds between two looks at the store. */
  readonly followInterval?: number
  readonly open: ServingOpener
  readonly now: () => number
  readonly logger: Logger
}

/** The folder of models of a worker: its own, or the cache of the store. */
export function modelsFolder({
  modelsDirectory,
  stateDirectory,
}: Pick<ModelSourceOptions, 'modelsDirectory' | 'stateDirectory'>) {
  return modelsDirectory ?? join(stateDirectory, 'models-cache')
}

/**
 * Opens the models of a worker. What follows a store has looked at it once when this resolves; where the store is away
 * the cache of earlier days serves, if there is one.
 *
 * @throws {InputError} where there is neither a folder nor a store, or the store refuses
 * @throws {UnavailableError} where the store is away and nothing is cached
 */
export async function openModelSource(options: ModelSourceOptions): Promise<ModelSource> {
  const { store, now, logger } = options
  const directory = modelsFolder(options)
  if (options.modelsDirectory !== undefined) {
    return { directory, open: options.open, remarks: () => [], close: async () => {} }
  }
  if (!store) throw new InputError('inference needs models: give a folder of them, or a model store to follow')
  const registry = openRegistry(directory)
  const follower = followIndex({
    store,
    registry,
    now,
    interval: options.followInterval,
    onChange: (words) => logger.info(words),
    onTrouble(words) {
      if (words === undefined) logger.info(`the model store ${store.description} is all right again`)
      else logger.warn(`model store: ${words}`)
    },
  })
  try {
    await follower.look()
  } catch (error) {
    if (!(await holdsChampion(registry))) throw error
    logger.warn('the model store is not read; what was read from it before serves')
  }
  follower.start()
  return {
    directory,
    open: openThrough(follower, registry, options.open),
    remarks: () => follower.degradations(),
    close: () => follower.stop(),
  }
}

async function holdsChampion(registry: Registry): Promise<boolean> {
  for (const kind of SERVED_KINDS) if ((await registry.find(kind, 'champion')) !== undefined) return true
  return false
}

/** Has what is to be opened in the cache first: versions asked for by name, and champions whose copy was damaged. */
function openThrough(follower: Follower, registry: Registry, open: ServingOpener): ServingOpener {
  return async (directory, options) => {
    if (options.pinned) for (const version of options.pinned) await ifPossible(follower.fetch(version))
    else {
      for (const kind of SERVED_KINDS) {
        const id = await registry.find(kind, 'champion')
        // A copy that is whole is not asked for; where the store is away now, the ladder says what the fault is.
        if (id !== undefined) await ifPossible(follower.fetch({ kind, id }), 'retry')
      }
    }
    return open(directory, options)
  }
}

/** What a model's fault is, opening it says, and steps down. */
async function ifPossible(fetching: Promise<void>, ...besides: readonly MillraceError['action'][]): Promise<void> {
  await fetching.catch((error) => {
    const known = error instanceof MillraceError && ['fail-closed', ...besides].includes(error.action)
    if (!known) throw error
  })
}
