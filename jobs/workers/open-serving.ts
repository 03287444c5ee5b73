import { openRegistry } from '#models/registry.ts'
import { openServing, type Serving, type ServingOptions } from '#models/serving.ts'

/** Opens what the model store in `directory` can serve now. */
export type ServingOpener = (directory: string, options: ServingOptions) => Promise<Serving>

/** The registry on this machine's disk (or a folder that it shares). */
export const openModels: ServingOpener = (directory, options) => openServing(openRegistry(directory), options)
