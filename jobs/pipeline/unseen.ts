import { InputError, ModelError } from '#data/errors.ts'
import type { ModelCard } from '#models/card.ts'
import type { ServedKind } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'

/** Hours that a model is to be judged on or traded with: where they come from and when they begin (asOf). */
export interface UnseenHours {
  readonly origin: string
  readonly from: number
}

const SIMULATED = 'simulated'

/**
 * Says so where a model was fitted to, or chosen on, hours that it is now asked about: what it reaches there is memory,
 * not foresight.
 *
 * Two sources are taken for different markets only where one of them is a simulation: a file and an exchange show the
 * same one.
 *
 * @returns one sentence; undefined where the model has seen none of the hours
 */
export function seenInTraining(card: ModelCard, { origin, from }: UnseenHours): string | undefined {
  const { data } = card
  const simulated = data.origin.startsWith(SIMULATED) || origin.startsWith(SIMULATED)
  if (data.range.to <= from || (simulated && data.origin !== origin)) return undefined
  const [until, begin] = [data.range.to, from].map((time) => new Date(time).toISOString())
  return `${card.kind} ${card.id} was trained on data up to ${until}, what it is asked about begins at ${begin}: it has seen the answers`
}

/**
 * Refuses to judge models on what they have seen.
 *
 * @param versions ids in the registry at `models`, by kind
 * @throws {InputError} for the first version that has seen some of the hours
 */
export async function mustBeUnseen(
  models: string,
  versions: Partial<Record<ServedKind, string>>,
  hours: UnseenHours,
): Promise<void> {
  const registry = openRegistry(models)
  for (const [kind, id] of Object.entries(versions) as [ServedKind, string][]) {
    const { card } = await registry.read(kind, id)
    const seen = seenInTraining(card, hours)
    if (seen) throw new InputError(`${seen}: give a later --test-from, or train again`, { kind, id })
  }
}

/**
 * The same of the model that served, as a remark: the estimates are there, and whoever uses them must know.
 *
 * @returns remarks, none where all is well
 */
export async function remarksOnServed(
  models: string,
  { kind, id }: { readonly kind: ServedKind | 'none'; readonly id?: string },
  hours: UnseenHours,
): Promise<string[]> {
  if (kind === 'none' || id === undefined) return []
  try {
    const { card } = await openRegistry(models).read(kind, id)
    const seen = seenInTraining(card, hours)
    return seen ? [seen] : []
  } catch (error) {
    // Workers on other machines may serve from a store of their own.
    if (!(error instanceof ModelError)) throw error
    return [`it cannot be told what ${kind} ${id} was trained on: ${error.message}`]
  }
}
