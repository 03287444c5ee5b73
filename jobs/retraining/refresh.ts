import { HOUR, LATEST_DATE } from '#data/bars.ts'
import { UnavailableError } from '#data/errors.ts'
import { hourText } from '#data/providers/series.ts'
import type { SourceSpec } from '#data/source.ts'
import { loadHistory } from '#training/history.ts'
import { datasetRequest } from '../pipeline/dataset.ts'
import { resolveSource } from '../pipeline/source.ts'
import { contextOf, type RetrainingDeps } from './deps.ts'
import type { StepResults } from './progress.ts'

/** Data older than this are not retrained on, milliseconds: a day later the same could be had better. */
const OLDEST = 24 * HOUR

/**
 * The step `refresh`: brings the stored market data up to the full hour. A source that does not answer is asked again;
 * at the last try what is stored has to do, if it is not older than a day.
 *
 * @param last true where no other try will follow
 * @throws {UnavailableError} where another try may bring newer data, or what there is is too old
 */
export async function refreshStep(
  deps: RetrainingDeps,
  asOf: number,
  last: boolean,
  signal?: AbortSignal,
): Promise<StepResults['refresh']> {
  const context = contextOf(deps, signal)
  const { settings } = deps
  const source = await resolveSource(settings.source, context)
  // The bar that ended at the full hour is known at it, and the range is half-open. A replay must not see what comes.
  const to = Math.min(settings.to ?? LATEST_DATE, asOf + HOUR)
  const dataset = datasetRequest({ ...settings, to }, source, asOf)
  const history = await loadHistory(dataset, { now: deps.now, signal, budget: deps.budget })
  const newest = Math.max(...history.bars.map(({ openTime }) => openTime[openTime.length - 1])) + HOUR
  const stale = isRemote(source.spec) ? history.notices.filter(({ kind }) => kind === 'stale') : []
  if (stale.length === 0) return { source, dataset, newest, degraded: [] }

  const words = stale[0].coin ? `${stale[0].coin}: ${stale[0].message}` : stale[0].message
  const age = Math.min(asOf, to - HOUR) - newest
  if (!last) throw new UnavailableError(`the data are not up to date: ${words}`, { newest })
  if (age > OLDEST) {
    throw new UnavailableError(
      `the newest bar that is stored ended at ${hourText(newest)}, ${age / HOUR} hours before ${hourText(asOf)}: too old to retrain on; ${words}`,
      { newest, asOf },
    )
  }
  const degraded = `degraded: trained on what is stored, the newest bar ended at ${hourText(newest)}: ${words}`
  deps.logger.warn({ newest }, degraded)
  return { source, dataset, newest, degraded: [degraded] }
}

function isRemote(spec: SourceSpec): boolean {
  return spec.source === 'hyperliquid' || (spec.source === 'failover' && spec.of.some(isRemote))
}
