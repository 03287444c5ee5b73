import { ModelError } from '#data/errors.ts'
import { asRegimeModel, type OnnxSession, openOnnxSession } from '#models/onnx/session.ts'
import { type RegimeModel, SERVED_KINDS, type ServedKind } from '#models/regime.ts'
import { ONNX_FILE, openRegistry } from '#models/registry.ts'
import type { RunContext, RunSettings } from './settings.ts'

/** Versions of the registry by kind; a kind without one is absent. */
export type VersionIds = Partial<Record<ServedKind, string>>

/** Opens one version of each kind, does `work` with them, and frees the sessions. */
export async function withVersions<T>(
  models: string,
  ids: VersionIds,
  work: (models: RegimeModel[]) => Promise<T>,
): Promise<T> {
  const registry = openRegistry(models)
  const sessions: OnnxSession[] = []
  const opened: RegimeModel[] = []
  try {
    for (const [kind, id] of Object.entries(ids) as [ServedKind, string][]) {
      const { card, files } = await registry.read(kind, id)
      const session = await openOnnxSession(files.get(ONNX_FILE)!)
      sessions.push(session)
      opened.push({ ...asRegimeModel(session, card), name: kind })
    }
    return await work(opened)
  } finally {
    await Promise.all(sessions.map((session) => session.dispose()))
  }
}

/** Ids of the champions that are there and whole; what is wrong with another is said, and it is left out. */
export async function champions(settings: RunSettings, context: RunContext): Promise<VersionIds> {
  const registry = openRegistry(settings.paths.models)
  const ids: VersionIds = {}
  for (const kind of SERVED_KINDS) {
    try {
      const id = await registry.resolve(kind, 'champion')
      await registry.read(kind, id)
      ids[kind] = id
    } catch (error) {
      if (!(error instanceof ModelError)) throw error
      context.logger.warn({ kind }, `the champion ${kind.toUpperCase()} is left out: ${error.message}`)
    }
  }
  return ids
}
