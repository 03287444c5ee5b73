import type { ServedKind } from '#models/regime.ts'
import { openRegistry } from '#models/registry.ts'
import type { VerdictEntry } from '#models/registry-log.ts'
import { type Promotion, promoteVersions } from '#models/registry-promotion.ts'
import type { Evaluation } from '#training/evaluation.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { type Verdict, verdict } from '#training/verdict.ts'
import { compareModels } from './evaluate.ts'
import type { RunContext, RunSettings } from './settings.ts'
import type { ResolvedSource } from './source.ts'
import type { TrainedModels } from './train.ts'
import { keepVerdict } from './verdicts.ts'
import type { VersionIds } from './versions.ts'

/** A comparison of versions on hours that they have not seen, and what it came to. */
export interface Judgement {
  readonly evaluation: Evaluation
  readonly verdict: Verdict
  /** The verdict as the registry keeps it. */
  readonly record: VerdictEntry
}

/** Compares what was just trained with the baselines on the test period, and keeps the verdict in the registry. */
export async function judgeTrained(
  settings: RunSettings,
  source: ResolvedSource,
  dataset: PreparedDataset,
  { trained }: TrainedModels,
  context: RunContext,
): Promise<Judgement> {
  const ids: VersionIds = { cde: trained.cde?.result.id, hmm: trained.hmm?.result.id }
  const evaluation = await compareModels(settings, source, dataset, ids, context)
  const read = verdict(evaluation)
  return { evaluation, verdict: read, record: await keepVerdict(settings, dataset, ids, evaluation, read, context) }
}

/** What became of the versions that were trained, by kind. */
export type Promotions = Partial<Record<ServedKind, Promotion>>

/**
 * Makes champions of what was trained as far as the registry's last verdict on it allows, or of all by force. A model
 * that has given up a regime on the validation fold is left out, whatever it did on the test period.
 *
 * @param force the reason for which no verdict is asked
 */
export async function promoteTrained(
  settings: RunSettings,
  { trained }: TrainedModels,
  context: RunContext,
  force?: string,
): Promise<Promotions> {
  const promotions: Promotions = {}
  const candidates: { kind: ServedKind; id: string }[] = []
  for (const { result, flaw } of Object.values(trained)) {
    const { kind, id } = result
    if (flaw === undefined || force !== undefined) candidates.push({ kind, id })
    else promotions[kind] = { kind, id, alias: 'champion', promoted: false, forced: false, reason: flaw }
  }
  const options = { now: context.now(), maxAgeDays: settings.maxAgeDays, force }
  for (const outcome of await promoteVersions(openRegistry(settings.paths.models), candidates, options)) {
    promotions[outcome.kind] = outcome
  }
  for (const { kind, id, promoted, reason } of Object.values(promotions)) {
    if (promoted) context.logger.info({ kind, id }, `${kind} ${id} is champion: ${reason}`)
    else context.logger.warn({ kind, id }, `${kind} ${id} is not promoted: ${reason}`)
  }
  return promotions
}
