import { openRegistry } from '#models/registry.ts'
import { openServing, type Serving, type ServingOptions } from '#models/serving.ts'
import { mergeRuns } from './merged-runs.ts'

/** Opens what the model store in `directory` can serve now. */
export type ServingOpener = (directory: string, options: ServingOptions) => Promise<Serving>

/** The registry on this machine's disk (or a folder that it shares). Jobs that run side by side share the model's runs. */
export const openModels: ServingOpener = async (directory, options) => {
  const serving = await openServing(openRegistry(directory), options)
  return { ...serving, model: serving.model && mergeRuns(serving.model) }
}
