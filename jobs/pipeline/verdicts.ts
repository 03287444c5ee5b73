import { openRegistry } from '#models/registry.ts'
import type { VerdictEntry } from '#models/registry-log.ts'
import { recordVerdict } from '#models/registry-promotion.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import type { Verdict } from '#training/verdict.ts'
import type { RunContext, RunSettings } from './settings.ts'
import type { VersionIds } from './versions.ts'

/**
 * Keeps a verdict in the registry, where promotion finds it.
 *
 * @param ids the versions that were compared, by kind
 * @param evaluation what the verdict was read from: its digest is kept
 */
export async function keepVerdict(
  settings: Pick<RunSettings, 'paths'>,
  dataset: PreparedDataset,
  ids: VersionIds,
  evaluation: unknown,
  { ship, fallback, sentence, gates }: Verdict,
  context: RunContext,
): Promise<VerdictEntry> {
  const { hash, origin, split } = dataset
  return recordVerdict(openRegistry(settings.paths.models), {
    ship,
    fallback,
    sentence,
    gates,
    versions: ids,
    data: { hash, origin },
    test: { from: split.test.from, to: split.test.to },
    evaluation,
    now: context.now(),
  })
}
