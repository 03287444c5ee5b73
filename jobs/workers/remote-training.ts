import { join } from 'node:path'
import { z } from 'zod'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { retryWhileUnavailable } from '#data/retry.ts'
import { sleepFor } from '#data/weight-budget.ts'
import { SERVED_KINDS } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import type { ObjectStore } from '#models/store/object-store.ts'
import { publishVersion } from '#models/store/versions.ts'
import { fetchDataset } from '../datasets.ts'

/** What a training needs besides the process that does it. */
export interface TrainingPlace {
  /** Makes of what was asked somewhere what can be done here. */
  prepare(request: object, signal?: AbortSignal): Promise<object>
  /** Takes what was made to where it was asked for. */
  finish(request: object, result: unknown, signal?: AbortSignal): Promise<void>
}

const RemoteRequest = z.looseObject({
  dataset: z.looseObject({ source: z.looseObject({ source: z.literal('snapshot'), hash: z.string() }) }),
})
const VersionResult = z.looseObject({ kind: z.enum(SERVED_KINDS), id: z.string() })

/** A store that is away for some minutes must not cost a training of hours. */
const PATIENCE = { retries: 8, firstDelay: 2_000, longestDelay: 60_000, refusedDelay: 5_000 }

/**
 * Trainings whose data are a snapshot in the store may be done on any machine: data come from the store, state and
 * versions go into the worker's own folders, and the version into the store before the job is done. All others are done
 * as they were asked, in the folders that they name.
 */
export function createTrainingPlace(options: {
  readonly store?: ObjectStore
  readonly modelsDirectory: string
  readonly stateDirectory: string
}): TrainingPlace {
  const { store, modelsDirectory, stateDirectory } = options
  const random = createRandom(process.pid)
  return {
    async prepare(request, signal) {
      const remote = RemoteRequest.safeParse(request)
      if (!remote.success) return request
      const { dataset } = remote.data
      if (!store) {
        const message = 'the data of this training are in a model store: start the worker with --store'
        throw new InputError(message, { hash: dataset.source.hash })
      }
      const path = await fetchDataset(store, dataset.source.hash, join(stateDirectory, 'datasets'), signal)
      return {
        ...request,
        ...('models' in request && { models: modelsDirectory }),
        dataset: { ...dataset, source: { ...dataset.source, path }, state: stateDirectory },
      }
    },

    async finish(request, result, signal) {
      const version = VersionResult.safeParse(result)
      if (!store || !version.success || !RemoteRequest.safeParse(request).success) return
      const { kind, id } = version.data
      const publish = () => publishVersion(store, openRegistry(modelsDirectory), { kind, id, signal }).then(() => {})
      await retryWhileUnavailable(publish, { ...PATIENCE, sleep: sleepFor, random, signal })
    },
  }
}
