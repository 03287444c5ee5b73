import { InputError, MillraceError } from '#data/errors.ts'
import { type ModelCard, timeOfVersion } from './card.ts'
import { SERVED_KINDS, type ServedKind } from './regime.ts'
import type { Registry } from './registry.ts'
import { type AgeLimit, DAY, expiryOf, type VersionName } from './registry-expiry.ts'
import { reignOf, servingOrder, verdictById, verdictOn } from './registry-history.ts'
import { ALIASES, type Alias, isMove, type LogEntry, type VerdictEntry } from './registry-log.ts'

/** A version in a list. */
export interface VersionRow extends VersionName {
  readonly createdAt: number
  readonly ageDays: number
  readonly aliases: readonly Alias[]
  /** What turns windows into a state: the encoder of a neural CDE, the states of an HMM. Absent where broken. */
  readonly encoder?: string
  readonly seed?: number
  /** Macro-F1 on the validation fold. */
  readonly macroF1?: number
  /** Why it must not serve any more. */
  readonly expired?: string
  /** What is wrong with its files; absent for a version that is whole. */
  readonly broken?: string
}

/** All versions of a registry. */
export interface RegistryView {
  readonly directory: string
  /** Oldest first within a kind. */
  readonly versions: readonly VersionRow[]
  /** The order in which champions serve. */
  readonly order: readonly ServedKind[]
  /** Lines of the log that cannot be read. */
  readonly remarks: readonly string[]
}

/** Lists all versions, each with its files checked against their digests. */
export async function listVersions(registry: Registry, limit: AgeLimit): Promise<RegistryView> {
  const { entries, remarks } = await registry.log()
  const versions: VersionRow[] = []
  const champions: Partial<Record<ServedKind, string>> = {}
  for (const kind of SERVED_KINDS) {
    const aliases = await aliasesOf(registry, kind)
    champions[kind] = aliases.get('champion')
    for (const id of await registry.list(kind)) {
      versions.push(await describeVersion(registry, { kind, id }, aliases, entries, limit))
    }
    // An alias may point at what is gone: that is broken too, and must not be hidden.
    for (const id of new Set(aliases.values())) {
      if (versions.some((version) => version.kind === kind && version.id === id)) continue
      versions.push(await describeVersion(registry, { kind, id }, aliases, entries, limit))
    }
  }
  return { directory: registry.directory, versions, order: servingOrder(entries, champions), remarks }
}

/** A version with all that is known of it. */
export interface VersionDetails extends VersionRow {
  /** Absent where the version is broken. */
  readonly card?: ModelCard
  /** Moves, expiry and removal of this version, oldest first. */
  readonly history: readonly LogEntry[]
  /** The verdict that it was promoted under; for one never promoted the last verdict on it. */
  readonly verdict?: VerdictEntry
}

/** Tells all that is known of one version. */
export async function showVersion(
  registry: Registry,
  { kind, id }: VersionName,
  limit: AgeLimit,
): Promise<VersionDetails> {
  const { entries } = await registry.log()
  const aliases = await aliasesOf(registry, kind)
  const row = await describeVersion(registry, { kind, id }, aliases, entries, limit)
  const card = row.broken === undefined ? (await registry.read(kind, id)).card : undefined
  const history = entries.filter((entry) => concerns(entry, { kind, id }))
  const under = reignOf(entries, kind, id)?.verdict
  const verdict = under === undefined ? verdictOn(entries, kind, id) : verdictById(entries, under)
  return { ...row, ...(card && { card }), history, ...(verdict && { verdict }) }
}

function concerns(entry: LogEntry, { kind, id }: VersionName): boolean {
  if (isMove(entry)) return entry.kind === kind && (entry.to === id || entry.from === id)
  return entry.action !== 'verdict' && entry.kind === kind && entry.id === id
}

/**
 * The version that a reference means: `cde@champion`, an id, or as much of an id (from its time or from its digest) as
 * no other has.
 *
 * @throws {InputError} where it means none or several
 */
export async function findVersion(registry: Registry, reference: string): Promise<VersionName> {
  const [kind, alias] = reference.split('@')
  if (alias !== undefined) {
    if (!(SERVED_KINDS as readonly string[]).includes(kind) || !(ALIASES as readonly string[]).includes(alias)) {
      const known = SERVED_KINDS.flatMap((each) => ALIASES.map((name) => `${each}@${name}`)).join(', ')
      throw new InputError(`"${reference}" names no version: there are ${known}`, { reference })
    }
    return { kind: kind as ServedKind, id: await registry.resolve(kind as ServedKind, alias as Alias) }
  }
  const found: VersionName[] = []
  for (const each of SERVED_KINDS) {
    for (const id of await registry.list(each)) {
      const digest = id.slice(id.indexOf('-') + 1)
      if (id.startsWith(reference) || digest.startsWith(reference)) found.push({ kind: each, id })
    }
  }
  if (found.length === 1 && reference !== '') return found[0]
  const names = found.slice(0, 5).map(({ kind, id }) => `${kind} ${id}`)
  throw new InputError(
    found.length === 0
      ? `no version in ${registry.directory} is named "${reference}": \`millrace models list\` shows all`
      : `"${reference}" may be ${names.join(', ')}${found.length > names.length ? ' and others' : ''}: give more of it`,
    { reference },
  )
}

async function aliasesOf(registry: Registry, kind: ServedKind): Promise<Map<Alias, string>> {
  const aliases = new Map<Alias, string>()
  for (const alias of ALIASES) {
    const id = await registry.find(kind, alias)
    if (id !== undefined) aliases.set(alias, id)
  }
  return aliases
}

async function describeVersion(
  registry: Registry,
  { kind, id }: VersionName,
  aliases: ReadonlyMap<Alias, string>,
  entries: readonly LogEntry[],
  limit: AgeLimit,
): Promise<VersionRow> {
  const createdAt = timeOfVersion(id)
  const common = {
    kind,
    id,
    createdAt,
    ageDays: (limit.now - createdAt) / DAY,
    aliases: ALIASES.filter((alias) => aliases.get(alias) === id),
  }
  const expiry = (card?: ModelCard) => {
    const expired = expiryOf({ kind, id }, card, entries, limit)
    return expired === undefined ? {} : { expired }
  }
  try {
    const { card } = await registry.read(kind, id)
    return { ...common, encoder: encoderOf(card), seed: card.seed, ...scoreOf(card), ...expiry(card) }
  } catch (error) {
    if (!(error instanceof MillraceError) || error.action === 'fatal') throw error
    return { ...common, ...expiry(), broken: error.message }
  }
}

/** The value at a path of what a card holds freely; undefined where there is nothing of that shape. */
function valueAt(tree: unknown, ...path: string[]): unknown {
  return path.reduce((part, name) => (part as Record<string, unknown> | null | undefined)?.[name], tree)
}

function encoderOf({ kind, configuration, metrics }: ModelCard): string {
  const encoder = valueAt(configuration, 'architecture', 'encoder')
  if (typeof encoder === 'string') return encoder
  const states = valueAt(metrics, 'states')
  return typeof states === 'number' ? `${states} states` : kind
}

function scoreOf({ metrics }: ModelCard): { macroF1?: number } {
  const score = valueAt(metrics, 'validation', 'macroF1')
  return typeof score === 'number' ? { macroF1: score } : {}
}
