import { ModelError } from '#data/errors.ts'
import { asRegimeModel, type OnnxSession, openOnnxSession } from '#models/onnx/session.ts'
import { type RegimeModel, SERVED_KINDS, type ServedKind } from '#models/regime.ts'
import { ONNX_FILE, openRegistry } from '#models/registry.ts'
import type { VersionName } from '#models/registry-expiry.ts'
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
  const wanted = Object.entries(ids).filter(([, id]) => id !== undefined) as [ServedKind, string][]
  const sessions: OnnxSession[] = []
  const opened: RegimeModel[] = []
  try {
    for (const [kind, id] of wanted) {
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

/**
 * Ids of the versions that the settings choose (the champions, or the challengers), as far as they are there and whole;
 * what is wrong with another is said, and it is left out.
 */
export async function chosenVersions(settings: RunSettings, context: RunContext): Promise<VersionIds> {
  const registry = openRegistry(settings.paths.models)
  const alias = settings.versions ?? 'champion'
  const ids: VersionIds = {}
  for (const kind of SERVED_KINDS) {
    try {
      const id = await registry.resolve(kind, alias)
      await registry.read(kind, id)
      ids[kind] = id
    } catch (error) {
      if (!(error instanceof ModelError)) throw error
      context.logger.warn({ kind }, `the ${alias} ${kind.toUpperCase()} is left out: ${error.message}`)
    }
  }
  return ids
}

/** Versions that the fleet is to serve although they may be no champions, the first that is usable, and why. */
export interface Pinned {
  readonly versions: readonly VersionName[]
  readonly why: string
}

/**
 * What the fleet is to serve where the settings choose other versions than the champions; undefined for the champions,
 * which the workers find themselves.
 *
 * @throws {ModelError} where there is no such version
 */
export async function pinnedVersions({ paths, versions = 'champion' }: RunSettings): Promise<Pinned | undefined> {
  if (versions === 'champion') return undefined
  const registry = openRegistry(paths.models)
  const pinned: VersionName[] = []
  for (const kind of SERVED_KINDS) {
    const id = await registry.find(kind, versions)
    if (id !== undefined) pinned.push({ kind, id })
  }
  if (pinned.length === 0) await registry.resolve(SERVED_KINDS[0], versions)
  return { versions: pinned, why: `pinned: the ${versions} was asked for, whether or not it is champion` }
}
