import { HOUR, type TimeRange } from '#data/bars.ts'
import { mostProbable, REGIMES, type RegimeEstimate } from '#models/regime.ts'
import { evaluatedMarkets, type PreparedMarkets, prepareMarkets } from '#training/prepare.ts'
import { type InferRoundResult, inferRound } from '../infer-round.ts'
import { datasetRequest, withRemarks } from './dataset.ts'
import { type RunningFleet, withFleet } from './fleet.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { resolveSource } from './source.ts'
import { remarksOnServed } from './unseen.ts'
import { type Pinned, pinnedVersions } from './versions.ts'

/** How a round of inference went. */
export interface InferenceSummary {
  readonly broker: string
  /** Worker processes that answered. */
  readonly workers: number
  readonly jobs: number
  readonly windows: number
  readonly seconds: number
  readonly servedBy: { readonly kind: string; readonly id?: string }
  /** Whether champions served or versions that were asked for, and why. */
  readonly why: string
  readonly degradations: readonly string[]
}

/**
 * Has the fleet estimate every hour of `range` for the coins evaluated, in at least four jobs a worker.
 *
 * @param pinned serve these versions instead of the champions
 */
export async function inferRange(
  settings: RunSettings,
  dataset: PreparedMarkets,
  range: TimeRange,
  running: RunningFleet,
  context: RunContext,
  pinned?: Pinned,
): Promise<{ estimates: InferRoundResult['estimates']; summary: InferenceSummary }> {
  const round = await inferRound({
    broker: running.broker,
    tables: evaluatedMarkets(dataset).map((market) => market.features),
    asOf: range,
    pinned: pinned?.versions,
    minimumJobs: 4 * settings.fleet.workers,
    progress: context.progress,
    signal: running.signal,
  })
  const { estimates, servedBy, workers, jobs, windows, seconds } = round
  const why = pinned?.why ?? 'the champions serve'
  const hours = { origin: dataset.origin, from: range.from }
  const degradations = [...round.degradations, ...(await remarksOnServed(settings.paths.models, servedBy, hours))]
  for (const words of degradations) context.logger.warn(words)
  return {
    estimates,
    summary: { broker: running.broker.name, workers, jobs, windows, seconds, servedBy, why, degradations },
  }
}

/** What `infer` answers: the newest estimate of each coin. */
export interface InferSummary {
  readonly source: string
  readonly estimates: readonly (Omit<RegimeEstimate, 'asOf'> & { readonly asOf: string })[]
  /** Coins without an estimate. */
  readonly missing: readonly string[]
  readonly inference: InferenceSummary
}

/** The `infer` command: what the champion says now, through the fleet. */
export async function inferCommand(settings: RunSettings, context: RunContext): Promise<InferSummary> {
  const source = await resolveSource(settings.source, context)
  const dataset = await withRemarks(prepareMarkets, datasetRequest(settings, source, context.now()), context)
  const latest = { from: dataset.range.to - HOUR, to: dataset.range.to }
  const pinned = await pinnedVersions(settings)
  const { estimates, summary } = await withFleet(settings, context, (running) =>
    inferRange(settings, dataset, latest, running, context, pinned),
  )
  const answers = [...estimates].flatMap(([coin, { asOf, probabilities }]) => {
    const last = asOf.length - 1
    if (last < 0) return []
    const [chop, trend, reversal] = probabilities.subarray(last * REGIMES.length)
    const regime = REGIMES[mostProbable(probabilities, last)]
    const model = summary.servedBy.id ?? 'none'
    return [
      {
        coin,
        asOf: new Date(asOf[last]).toISOString(),
        probabilities: [chop, trend, reversal] as const,
        regime,
        model,
      },
    ]
  })
  const answered = new Set(answers.map((answer) => answer.coin))
  return {
    source: source.spec.source,
    estimates: answers,
    missing: dataset.coins.filter((coin) => !answered.has(coin)),
    inference: summary,
  }
}
