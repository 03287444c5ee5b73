import { SERVED_KINDS, type ServedKind } from './regime.ts'
import { type AliasMove, isMove, type LogEntry, type VerdictEntry } from './registry-log.ts'

/** A time as champion that no rollback has undone, with its place in the log. */
export interface Reign extends AliasMove {
  readonly position: number
}

/**
 * The champions of a kind that stand behind one another, oldest first, the present one last: a promotion puts one on
 * top, a rollback takes those away that it undid. So one rollback after the other goes further back, not to and fro.
 */
export function reigns(entries: readonly LogEntry[], kind: ServedKind): Reign[] {
  const standing: Reign[] = []
  for (const [position, entry] of entries.entries()) {
    if (!isMove(entry) || entry.kind !== kind || entry.alias !== 'champion') continue
    if (entry.action === 'rollback') while (standing.length > 0 && standing.at(-1)?.to !== entry.to) standing.pop()
    // Of a log that has lost lines a rollback may lead to what is not there: then it stands for itself.
    if (entry.action !== 'rollback' || standing.length === 0) standing.push({ ...entry, position })
  }
  return standing
}

/** The reign of a champion: of the alias as it is, whatever was done to it by hand. */
export function reignOf(
  entries: readonly LogEntry[],
  kind: ServedKind,
  champion: string | undefined,
): Reign | undefined {
  const last = reigns(entries, kind).at(-1)
  return last?.to === champion ? last : undefined
}

/** Without a role the kinds have their order: the first leads. */
function leads({ kind, role }: Reign): boolean {
  return role === undefined ? kind === SERVED_KINDS[0] : role === 'lead'
}

/**
 * The order in which champions are to serve: that of the kind first whose champion was promoted last to lead, so that a
 * verdict that ships the HMM makes it serve although an older champion CDE is there.
 *
 * @param champions ids that the aliases point at
 */
export function servingOrder(
  entries: readonly LogEntry[],
  champions: Partial<Record<ServedKind, string>>,
): readonly ServedKind[] {
  const leaders = SERVED_KINDS.flatMap((kind) => {
    const reign = reignOf(entries, kind, champions[kind])
    return reign && leads(reign) ? [reign] : []
  })
  const [leader] = leaders.sort((a, b) => b.position - a.position)
  return leader ? [leader.kind, ...SERVED_KINDS.filter((kind) => kind !== leader.kind)] : SERVED_KINDS
}

/** The last verdict that has compared this very version. */
export function verdictOn(entries: readonly LogEntry[], kind: ServedKind, id: string): VerdictEntry | undefined {
  return entries.findLast(
    (entry): entry is VerdictEntry => 'action' in entry && entry.action === 'verdict' && entry.versions[kind] === id,
  )
}

/** The verdict of this id. */
export function verdictById(entries: readonly LogEntry[], id: string): VerdictEntry | undefined {
  return entries.find(
    (entry): entry is VerdictEntry => 'action' in entry && entry.action === 'verdict' && entry.id === id,
  )
}
