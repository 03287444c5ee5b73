import { type Bars, HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { type HalfLife, type NoHalfLife, rankHalfLives } from '#src/half-life.ts'
import { loadHistory } from '#training/history.ts'
import { datasetRequest, withRemarks } from './dataset.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { resolveSource } from './source.ts'

/** A coin's half-life as JSON can say it: an interval without upper end has `halfLifeHigh` null. */
export type RankedHalfLife = Omit<HalfLife, 'halfLifeHigh'> & { readonly halfLifeHigh: number | null }

/** What `half-life` answers. */
export interface HalfLifeSummary {
  readonly source: string
  /** Hour up to which funding was known. */
  readonly asOf: string
  /** Level of the intervals. */
  readonly confidence: number
  /** P-value below which mean reversion is significant. */
  readonly significance: number
  /** Hours of funding behind each fit. */
  readonly windowHours: number
  /** Best first. */
  readonly ranked: readonly RankedHalfLife[]
  readonly unavailable: readonly NoHalfLife[]
}

/**
 * The `half-life` command: how fast the funding of each coin reverts at the last hour that any funding was settled.
 * Needs no model.
 *
 * @throws {InputError} where there is no funding at all
 */
export async function halfLifeCommand(settings: RunSettings, context: RunContext): Promise<HalfLifeSummary> {
  const source = await resolveSource(settings.source, context)
  const request = datasetRequest(settings, source, context.now())
  // Whoever names coins means those, and not all that could be trained on.
  const narrowed = request.coins && request.pool === undefined ? { ...request, pool: request.coins } : request
  const { bars } = await withRemarks(loadHistory, narrowed, context)
  const asOf = Math.max(...bars.map(lastFunding)) + HOUR
  if (!Number.isFinite(asOf)) {
    const coins = bars.map(({ coin }) => coin)
    throw new InputError(`${source.spec.source} has no funding of ${coins.join(' ')} in the range`, { coins })
  }
  const options = settings.wheel.ouFunding
  const rows = rankHalfLives(bars, asOf, options)
  return {
    source: source.spec.source,
    asOf: new Date(asOf).toISOString(),
    confidence: options.confidence,
    significance: options.significance,
    windowHours: options.windowHours,
    ranked: rows.flatMap((row) => {
      if ('unavailable' in row) return []
      return [{ ...row, halfLifeHigh: Number.isFinite(row.halfLifeHigh) ? row.halfLifeHigh : null }]
    }),
    unavailable: rows.filter((row) => 'unavailable' in row),
  }
}

/** Opening time of the last bar whose funding is known: data may end with an hour that has not settled yet. */
function lastFunding({ openTime, funding }: Bars): number {
  const last = funding.findLastIndex((rate) => !Number.isNaN(rate))
  return last < 0 ? Number.NEGATIVE_INFINITY : openTime[last]
}
