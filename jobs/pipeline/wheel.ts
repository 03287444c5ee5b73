import { ceilToHour, type TimeRange } from '#data/bars.ts'
import { runWheel } from '#src/wheel.ts'
import type { WheelResult } from '#src/wheel-result.ts'
import { evaluatedMarkets, type PreparedDataset } from '#training/prepare.ts'
import type { InferRoundResult } from '../infer-round.ts'
import { datasetRequest, loadDataset } from './dataset.ts'
import { isoRange } from './evaluate.ts'
import { withFleet } from './fleet.ts'
import { type InferenceSummary, inferRange } from './infer.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { resolveSource } from './source.ts'
import { pinnedVersions } from './versions.ts'

/** The test period on full hours: where estimates are asked for and the wheel turns. */
export function testHours({ split }: PreparedDataset): TimeRange {
  return { from: ceilToHour(split.test.from), to: ceilToHour(split.test.to) }
}

/** Turns the wheel over the test period with the estimates that the fleet gave. */
export async function turnWheel(
  settings: RunSettings,
  dataset: PreparedDataset,
  estimates: InferRoundResult['estimates'],
  context: RunContext,
): Promise<WheelResult> {
  return runWheel({
    bars: evaluatedMarkets(dataset).map((market) => market.bars),
    estimates,
    range: testHours(dataset),
    options: settings.wheel,
    instruments: dataset.instruments,
    progress: context.progress,
    signal: context.signal,
  })
}

/** The wheel's figures in dollars; `micro` has them in whole micro-dollars, in which they add up exactly. */
export interface WheelSummary {
  readonly decisions: number
  readonly trades: number
  readonly fees: number
  readonly funding: number
  readonly realised: number
  readonly equityChange: number
  readonly micro: WheelResult['micro']
  readonly rejections: WheelResult['rejections']
}

/** The figures that the summaries print. */
export function summariseWheel(result: WheelResult): WheelSummary {
  const { decisions, trades, fees, funding, realised, equityChange, micro, rejections } = result
  return { decisions, trades, fees, funding, realised, equityChange, micro, rejections }
}

/** What `wheel` answers. */
export interface WheelRunSummary {
  readonly source: string
  readonly coins: readonly string[]
  readonly range: { readonly from: string; readonly to: string }
  readonly inference: InferenceSummary
  readonly wheel: WheelSummary
  readonly perCoin: WheelResult['perCoin']
}

/** The `wheel` command: the champion's estimates over the test period, and what the wheel made of them. */
export async function wheelCommand(settings: RunSettings, context: RunContext): Promise<WheelRunSummary> {
  const source = await resolveSource(settings.source, context)
  const dataset = await loadDataset(datasetRequest(settings, source, context.now()), context)
  const pinned = await pinnedVersions(settings)
  const { estimates, summary } = await withFleet(settings, context, (running) =>
    inferRange(settings, dataset, testHours(dataset), running, context, pinned),
  )
  const result = await turnWheel(settings, dataset, estimates, context)
  return {
    source: source.spec.source,
    coins: dataset.coins,
    range: isoRange(testHours(dataset)),
    inference: summary,
    wheel: summariseWheel(result),
    perCoin: result.perCoin,
  }
}
