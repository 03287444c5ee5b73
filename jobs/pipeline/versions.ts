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

/** Ids of the champions there are; a missing one is said, not invented. */
export async function champions(settings: RunSettings, context: RunContext): Promise<VersionIds> {
  const registry = openRegistry(settings.paths.models)
  const ids: VersionIds = {}
  for (const kind of SERVED_KINDS) {
    try {
      ids[kind] = await registry.resolve(kind, 'champion')
    } catch (error) {
      if (!(error instanceof ModelError)) throw error
      context.logger.warn({ kind }, error.message)
    }
  }
  return ids
}
