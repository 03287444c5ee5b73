import { isDeepStrictEqual } from 'node:util'
import { ModelError } from '#data/errors.ts'
import type { ModelCard } from '#models/card.ts'
import { SERVED_KINDS, type ServedKind } from '#models/regime.ts'
import { openRegistry, type Registry } from '#models/registry.ts'
import { expiryOf } from '#models/registry-expiry.ts'
import { servingOrder } from '#models/registry-history.ts'
import type { VerdictEntry } from '#models/registry-log.ts'
import type { Evaluation } from '#training/evaluation.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { type Verdict, verdict } from '#training/verdict.ts'
import type { RunContext, RunSettings } from '../pipeline/settings.ts'
import { seenInTraining } from '../pipeline/unseen.ts'
import { keepVerdict } from '../pipeline/verdicts.ts'
import type { VersionIds } from '../pipeline/versions.ts'
import type { StepResults } from './progress.ts'

type Judgement = NonNullable<StepResults['evaluate']>

/** Scores versions and those they are to follow on the test period (`compareModels`). */
export type Compare = (versions: VersionIds, champions: VersionIds) => Promise<Evaluation>

/** What decides whether a champion serves, and where it is. */
type JudgeSettings = Pick<RunSettings, 'paths' | 'maxAgeDays'>

/**
 * Judges challengers on the test period, against the baselines, one another and the champions, all on the same hours.
 *
 * The rule: a challenger must pass the gates of every verdict, and must not be clearly worse than the champion of its
 * kind: the 95 % interval of its lead, by the same paired block bootstrap as all leads, must not lie wholly below zero. Of two
 * that cannot be told apart the newer one is taken, because its data are; asking it to win would freeze the first champion,
 * which was chosen on hours that reach into this test period and has luck on its side there. A kind whose challenger falls
 * short (or that has none: its training failed) is represented by its champion, and the comparison is made again, so that the
 * other kind takes the lead only where it beats what serves, not because a training was lost. Where the leading champion
 * cannot be compared, nothing takes its place.
 *
 * @param challengers new versions without a flaw, by kind
 * @param compare asked at most once for each version that falls short, and once more
 * @param context `now` is the time that verdicts carry: judged twice at one time, the same hours make one verdict
 * @returns null where there was nothing to judge
 */
export async function judgeChallengers(
  settings: JudgeSettings,
  dataset: PreparedDataset,
  challengers: VersionIds,
  compare: Compare,
  context: RunContext,
): Promise<Judgement | null> {
  if (Object.keys(challengers).length === 0) return null
  const registry = openRegistry(settings.paths.models)
  const { champions, leader, hidden, remarks } = await lookAtChampions(
    registry,
    settings,
    dataset,
    challengers,
    context,
  )
  let field: VersionIds = { ...champions, ...challengers }
  for (;;) {
    const entry = await judgeField(settings, dataset, field, champions, compare, context)
    const short = kindsOf(field).filter((kind) => field[kind] === challengers[kind] && !passes(entry, kind))
    const replaced = short.filter((kind) => champions[kind] !== undefined)
    const left = kindsOf(field).some((kind) => field[kind] === challengers[kind] && !short.includes(kind))
    const lost = leader !== undefined && leader in hidden && !(leader in challengers && !short.includes(leader))
    if (lost) {
      const why = `the champion ${leader.toUpperCase()} leads and cannot be compared: ${hidden[leader]}`
      return { field, verdict: { id: entry.id, ship: 'none', sentence: `Ship none: ${why}.` }, remarks }
    }
    if (replaced.length === 0 || !left) {
      const { id, ship, fallback, sentence } = entry
      return { field, verdict: { id, ship, ...(fallback && { fallback }), sentence }, remarks }
    }
    field = { ...field, ...Object.fromEntries(replaced.map((kind) => [kind, champions[kind]])) }
  }
}

function kindsOf(field: VersionIds): ServedKind[] {
  return SERVED_KINDS.filter((kind) => field[kind] !== undefined)
}

function passes({ gates }: VerdictEntry, kind: ServedKind): boolean {
  const own = gates.filter(({ candidate }) => candidate === kind)
  return own.length > 0 && own.every(({ passed }) => passed)
}

/** The verdict on a field; one that was kept at this time already stands. */
async function judgeField(
  settings: JudgeSettings,
  dataset: PreparedDataset,
  field: VersionIds,
  champions: VersionIds,
  compare: Compare,
  context: RunContext,
): Promise<VerdictEntry> {
  const time = context.now()
  const { entries } = await openRegistry(settings.paths.models).log()
  const before = entries.find(
    (entry): entry is VerdictEntry =>
      'action' in entry &&
      entry.action === 'verdict' &&
      entry.time === time &&
      isDeepStrictEqual({ ...entry.versions }, { ...field }),
  )
  if (before) return before
  const standing = Object.fromEntries(
    kindsOf(champions).flatMap((kind) => (field[kind] === champions[kind] ? [] : [[kind, champions[kind]]])),
  )
  const evaluation = await compare(field, standing)
  const read: Verdict = verdict(evaluation)
  return keepVerdict(settings, dataset, field, evaluation, read, context)
}

/** The champions that can be compared, the kind that leads now, and those that serve and cannot be compared. */
async function lookAtChampions(
  registry: Registry,
  { maxAgeDays }: JudgeSettings,
  { origin, split }: PreparedDataset,
  challengers: VersionIds,
  context: RunContext,
) {
  const { entries } = await registry.log()
  const champions: VersionIds = {}
  const hidden: Partial<Record<ServedKind, string>> = {}
  const remarks: string[] = []
  const serving: VersionIds = {}
  for (const kind of SERVED_KINDS) {
    const id = await registry.find(kind, 'champion')
    // One that was promoted by an earlier try of this very step, or by hand, is no rival of itself.
    if (id === undefined || id === challengers[kind]) continue
    const card = await readCard(registry, kind, id)
    const expired = expiryOf({ kind, id }, typeof card === 'string' ? undefined : card, entries, {
      now: context.now(),
      maxAgeDays,
    })
    if (typeof card === 'string' || expired) {
      remarks.push(
        `the champion ${kind.toUpperCase()} does not serve: ${typeof card === 'string' ? card : `it ${expired}`}`,
      )
      continue
    }
    serving[kind] = id
    const seen = seenInTraining(card, { origin, from: split.test.from })
    if (seen) {
      hidden[kind] = seen
      remarks.push(`the champion ${kind.toUpperCase()} is not compared: ${seen}`)
    } else {
      champions[kind] = id
    }
  }
  const leader = servingOrder(entries, serving).find((kind) => serving[kind] !== undefined)
  for (const words of remarks) context.logger.warn(words)
  return { champions, leader, hidden, remarks }
}

async function readCard(registry: Registry, kind: ServedKind, id: string): Promise<ModelCard | string> {
  try {
    return (await registry.read(kind, id)).card
  } catch (error) {
    if (error instanceof ModelError) return error.message
    throw error
  }
}
