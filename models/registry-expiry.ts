import { InputError } from '#data/errors.ts'
import { type ModelCard, timeOfVersion } from './card.ts'
import { SERVED_KINDS, type ServedKind } from './regime.ts'
import type { Registry } from './registry.ts'
import { reigns } from './registry-history.ts'
import { ALIASES, findExpiry, type LogEntry } from './registry-log.ts'

export const DAY = 86_400_000

/** A version by kind and id. */
export interface VersionName {
  readonly kind: ServedKind
  readonly id: string
}

/** What decides whether a version is too old to serve. */
export interface AgeLimit {
  /** UTC milliseconds. */
  readonly now: number
  /** Days after which a version does not serve any more; none if left out. */
  readonly maxAgeDays?: number
}

/**
 * Why a version must not serve any more: expired by hand, by the date on its card, or by its age.
 *
 * @param card absent where it cannot be read
 * @returns the reason, as what follows "it"; undefined for a version that may serve
 */
export function expiryOf(
  { kind, id }: VersionName,
  card: ModelCard | undefined,
  entries: readonly LogEntry[],
  { now, maxAgeDays }: AgeLimit,
): string | undefined {
  const date = (time: number) => new Date(time).toISOString()
  const mark = findExpiry(entries, kind, id)
  if (mark) return `was expired at ${date(mark.time)} (${mark.reason})`
  if (card?.expiresAt !== undefined && now >= card.expiresAt) return `expired at ${date(card.expiresAt)}`
  const age = (now - timeOfVersion(id)) / DAY
  if (maxAgeDays === undefined || age <= maxAgeDays) return undefined
  return `expired by age: it is ${age.toFixed(1)} days old, ${maxAgeDays} are allowed`
}

/** What is to be expired. */
export interface ExpireRequest {
  /** These versions. */
  readonly versions?: readonly VersionName[]
  /** And all that are older than this, milliseconds. */
  readonly olderThan?: number
  /** Remove what is expired and nobody needs: neither what an alias points at nor the champion before the present one. */
  readonly remove?: boolean
  readonly reason: string
  readonly now: number
  readonly maxAgeDays?: number
}

/** What became of the versions concerned. */
export interface ExpireResult {
  readonly expired: readonly VersionName[]
  readonly removed: readonly VersionName[]
  /** Expired, asked to be removed, and kept all the same. */
  readonly kept: readonly (VersionName & { readonly reason: string })[]
}

/**
 * Marks versions as expired in the log (their folders never change), and removes what is asked for. A champion that is
 * expired stays champion and does not serve: the ladder steps down until another one is promoted.
 *
 * @throws {InputError} for a version that is not there
 */
export async function expireVersions(registry: Registry, request: ExpireRequest): Promise<ExpireResult> {
  const { now, reason, maxAgeDays } = request
  let result: ExpireResult = { expired: [], removed: [], kept: [] }
  await registry.change(async () => {
    const { entries } = await registry.log()
    const expired: VersionName[] = []
    const removed: VersionName[] = []
    const kept: (VersionName & { reason: string })[] = []
    for (const kind of SERVED_KINDS) {
      const ids = await registry.list(kind)
      const chosen = chosenIds(kind, ids, request)
      const needed = request.remove ? await neededVersions(registry, kind, entries) : undefined
      for (const id of ids) {
        const old = expiryOf({ kind, id }, await cardOf(registry, kind, id), entries, { now, maxAgeDays }) !== undefined
        if (chosen.has(id) && !old) expired.push({ kind, id })
        if (!needed || !(old || chosen.has(id))) continue
        const need = needed.get(id)
        if (need) kept.push({ kind, id, reason: need })
        else removed.push({ kind, id })
      }
    }
    result = { expired, removed, kept }
    return [
      ...expired.map((version) => ({ time: now, action: 'expire' as const, ...version, reason })),
      ...removed.map((version) => ({ time: now, action: 'delete' as const, ...version, reason })),
    ]
  })
  return result
}

function chosenIds(kind: ServedKind, ids: readonly string[], { versions = [], olderThan, now }: ExpireRequest) {
  const named = versions.filter((version) => version.kind === kind).map(({ id }) => id)
  const missing = named.find((id) => !ids.includes(id))
  if (missing !== undefined)
    throw new InputError(`there is no ${kind} ${missing} in the registry`, { kind, id: missing })
  const old = olderThan === undefined ? [] : ids.filter((id) => now - timeOfVersion(id) > olderThan)
  return new Set([...named, ...old])
}

/** Versions that must not be removed, with the reason. */
async function neededVersions(registry: Registry, kind: ServedKind, entries: readonly LogEntry[]) {
  const needed = new Map<string, string>()
  const champion = await registry.find(kind, 'champion')
  const before = reigns(entries, kind).findLast(({ to }) => to !== champion)
  if (before) needed.set(before.to, 'it was champion before the present one')
  for (const alias of ALIASES) {
    const id = await registry.find(kind, alias)
    if (id !== undefined) needed.set(id, `it is ${alias}`)
  }
  return needed
}

/** The card of a version that is whole; one that is broken can still be expired and removed. */
async function cardOf(registry: Registry, kind: ServedKind, id: string): Promise<ModelCard | undefined> {
  return registry.read(kind, id).then(
    ({ card }) => card,
    () => undefined,
  )
}
