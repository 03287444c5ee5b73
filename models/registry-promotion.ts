import { MillraceError, ModelError } from '#data/errors.ts'
import { canonicalJson, type ModelCard, sha256 } from './card.ts'
import { SERVED_KINDS, type ServedKind } from './regime.ts'
import type { Registry } from './registry.ts'
import { type AgeLimit, expiryOf, type VersionName } from './registry-expiry.ts'
import { reigns, verdictById, verdictOn } from './registry-history.ts'
import type { Alias, AliasMove, LogEntry, VerdictEntry } from './registry-log.ts'

/** A verdict to be kept, without what the registry adds. */
export type NewVerdict = Omit<VerdictEntry, 'time' | 'action' | 'id' | 'evaluation'> & {
  /** What it was read from: its digest is kept. */
  readonly evaluation: unknown
  /** UTC milliseconds. */
  readonly now: number
}

/**
 * Keeps a verdict in the registry's log: from then on it decides about the versions that it compared.
 *
 * @throws {FatalError} where the disk refuses
 */
export async function recordVerdict(
  registry: Registry,
  { evaluation, now, ...verdict }: NewVerdict,
): Promise<VerdictEntry> {
  const gates = verdict.gates.map(({ candidate, name, passed, detail }) => ({ candidate, name, passed, detail }))
  const content = { ...verdict, gates, evaluation: sha256(canonicalJson(evaluation)) }
  const id = sha256(canonicalJson({ time: now, ...content })).slice(0, 16)
  const entry: VerdictEntry = { time: now, action: 'verdict', id, ...content }
  await registry.change(async () => [entry])
  return entry
}

/** How a promotion is to be decided. */
export interface PromotionOptions extends AgeLimit {
  /** The reason for which the version is to be champion whatever a verdict says; it is logged. */
  readonly force?: string
}

/** What came of a promotion that was asked for. */
export interface Promotion extends VersionName {
  readonly alias: Alias
  readonly promoted: boolean
  readonly role?: AliasMove['role']
  readonly forced: boolean
  /** The verdict that decided; absent where there is none. */
  readonly verdict?: string
  readonly reason: string
}

/**
 * Makes versions champions of their kinds, all that may be at once: one that the last verdict on it ships leads, one
 * that this verdict lets stand by serves where the leader cannot. Others are left where they are, with the reason.
 *
 * Never promoted, unless by force: a model of a simulated market over one of a real market. Never at all: one that is
 * broken or has expired, since it could not serve.
 *
 * @throws {ModelError} for a version that is not whole or has expired
 */
export async function promoteVersions(
  registry: Registry,
  versions: readonly VersionName[],
  options: PromotionOptions,
): Promise<Promotion[]> {
  let outcomes: Promotion[] = []
  await registry.change(async () => {
    const { entries } = await registry.log()
    outcomes = []
    const moves: AliasMove[] = []
    for (const { kind, id } of versions) {
      const { card } = await registry.read(kind, id)
      const expired = expiryOf({ kind, id }, card, entries, options)
      if (expired) throw new ModelError(`${kind} ${id} ${expired}: train again`, { kind, id })
      // Of several that are forced at once the first is to serve.
      const outcome = await decide(registry, entries, card, options, outcomes.length === 0 ? 'lead' : 'fallback')
      outcomes.push(outcome)
      if (!outcome.promoted) continue
      const { role, verdict, reason } = outcome
      const from = (await registry.find(kind, 'champion')) ?? null
      const basis = { ...(outcome.forced && { forced: true as const }), ...(verdict !== undefined && { verdict }) }
      moves.push({ time: options.now, kind, alias: 'champion', from, to: id, reason, role, ...basis })
    }
    return moves
  })
  return outcomes
}

/**
 * Makes one version champion, as {@link promoteVersions} does.
 *
 * @throws {ModelError} where no verdict ships it, saying what to run
 */
export async function promoteVersion(
  registry: Registry,
  version: VersionName,
  options: PromotionOptions,
): Promise<Promotion> {
  const [promotion] = await promoteVersions(registry, [version], options)
  if (promotion.promoted) return promotion
  const { kind, id, verdict, reason } = promotion
  const found = verdict === undefined ? undefined : verdictById((await registry.log()).entries, verdict)
  const sentence = found ? `. ${found.sentence.replace(/\.$/, '')}` : ''
  const compare = `\`millrace models promote ${id} --challenger\`, then \`millrace evaluate --versions challenger\``
  throw new ModelError(
    `${kind} ${id} is not promoted: ${reason}${sentence}. ${verdict ? 'To compare it again' : 'To compare it'}: ${compare}. ` +
      'To promote it all the same: `--force --reason "..."`',
    { kind, id, ...(verdict && { verdict }) },
  )
}

/**
 * Makes a version challenger: the one that is compared next. No verdict is needed.
 *
 * @throws {ModelError} where it is not whole
 */
export async function makeChallenger(
  registry: Registry,
  { kind, id }: VersionName,
  { now }: AgeLimit,
): Promise<Promotion> {
  const reason = 'asked for'
  await registry.promote(kind, id, 'challenger', reason, now)
  return { kind, id, alias: 'challenger', promoted: true, forced: false, reason }
}

async function decide(
  registry: Registry,
  entries: readonly LogEntry[],
  card: ModelCard,
  { force }: PromotionOptions,
  forcedRole: 'lead' | 'fallback',
): Promise<Promotion> {
  const { kind, id } = card
  const verdict = verdictOn(entries, kind, id)
  const alias = 'champion' as const
  const base = { kind, id, alias, forced: false, ...(verdict && { verdict: verdict.id }) }
  const role = verdict?.ship === kind ? 'lead' : verdict?.fallback === kind ? 'fallback' : undefined
  if (force !== undefined) return { ...base, promoted: true, forced: true, role: role ?? forcedRole, reason: force }
  if (!verdict) return { ...base, promoted: false, reason: 'no verdict has compared it with the baselines' }
  const shipped = verdict.ship === 'none' ? 'none' : `the ${verdict.ship.toUpperCase()}`
  if (!role) return { ...base, promoted: false, reason: `verdict ${verdict.id} ships ${shipped}` }
  if (isSimulated(card) && (await servesRealMarket(registry, kind))) {
    const reason = 'it was trained on a simulated market and must not replace a champion of a real one'
    return { ...base, promoted: false, reason }
  }
  const reason = `verdict ${verdict.id} ${role === 'lead' ? 'ships it' : `lets it stand by for ${shipped}`}`
  return { ...base, promoted: true, role, reason }
}

function isSimulated({ data }: ModelCard): boolean {
  return data.origin.startsWith('simulated')
}

async function servesRealMarket(registry: Registry, kind: ServedKind): Promise<boolean> {
  const champion = await registry.find(kind, 'champion')
  if (champion === undefined) return false
  const stored = await readWhole(registry, { kind, id: champion })
  return typeof stored !== 'string' && !isSimulated(stored)
}

/** A champion that was put back. */
export interface Rollback {
  readonly kind: ServedKind
  readonly from: string | undefined
  readonly to: string
  /** Former champions that were passed over, and why. */
  readonly passedOver: readonly string[]
}

/** What came of going back. */
export interface Rollbacks {
  readonly done: readonly Rollback[]
  /** Why a kind that the last promotion has moved too stays where it is. */
  readonly remarks: readonly string[]
}

/**
 * Puts the champion back to the one before, as the log has it. One that is gone, broken or expired is passed over with a
 * remark. Done again it goes further back.
 *
 * @param kind without it: all kinds that the last promotion has moved, as far as they can go back
 * @throws {ModelError} where there is nothing to go back to; nothing has changed then
 */
export async function rollbackChampions(
  registry: Registry,
  kind: ServedKind | undefined,
  options: AgeLimit & { readonly reason: string },
): Promise<Rollbacks> {
  const done: Rollback[] = []
  const remarks: string[] = []
  await registry.change(async () => {
    const { entries } = await registry.log()
    for (const each of kind ? [kind] : movedLast(entries)) {
      const found = await before(registry, entries, each, options)
      if (typeof found === 'string') remarks.push(found)
      else done.push(found)
    }
    if (done.length === 0) throw new ModelError(remarks.join('; '), { kind })
    return done.map(({ kind, from, to, passedOver }) => ({
      time: options.now,
      kind,
      alias: 'champion' as const,
      from: from ?? null,
      to,
      action: 'rollback' as const,
      reason: [options.reason, ...passedOver].join('; '),
      ...rollbackBasis(entries, kind, to),
    }))
  })
  return { done, remarks }
}

/** A verdict may have moved both kinds at once: then both go back. */
function movedLast(entries: readonly LogEntry[]): ServedKind[] {
  const last = SERVED_KINDS.flatMap((kind) => reigns(entries, kind).slice(-1)).sort((a, b) => b.position - a.position)
  if (last.length === 0) throw new ModelError('there never was a champion: nothing to roll back')
  return last
    .filter(({ verdict }, i) => i === 0 || (verdict !== undefined && verdict === last[0].verdict))
    .map(({ kind }) => kind)
}

/** What the reign that comes back rested on. */
function rollbackBasis(entries: readonly LogEntry[], kind: ServedKind, to: string) {
  const { role, forced, verdict } = reigns(entries, kind).findLast((reign) => reign.to === to) ?? {}
  return { role, forced, verdict }
}

/** The champion to go back to, or why there is none. */
async function before(
  registry: Registry,
  entries: readonly LogEntry[],
  kind: ServedKind,
  limit: AgeLimit,
): Promise<Rollback | string> {
  const from = await registry.find(kind, 'champion')
  const standing = reigns(entries, kind)
  // An alias that was moved by hand stands on top of what the log knows.
  if (standing.at(-1)?.to === from) standing.pop()
  const passedOver: string[] = []
  for (const { to: id } of standing.reverse()) {
    if (id === from) continue
    const stored = await readWhole(registry, { kind, id })
    const fault = typeof stored === 'string' ? stored : expiryOf({ kind, id }, stored, entries, limit)
    if (fault === undefined) return { kind, from, to: id, passedOver }
    passedOver.push(`passed over ${id}: ${fault}`)
  }
  const why = passedOver.length > 0 ? ` (${passedOver.join('; ')})` : ''
  return `there is no earlier champion ${kind.toUpperCase()} to go back to${why}`
}

/** The card of a version that is whole, or what is wrong with it. */
async function readWhole(registry: Registry, { kind, id }: VersionName): Promise<ModelCard | string> {
  try {
    return (await registry.read(kind, id)).card
  } catch (error) {
    if (!(error instanceof MillraceError) || error.action === 'fatal') throw error
    return error.message
  }
}
