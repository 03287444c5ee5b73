import type { TimeRange } from '#data/bars.ts'
import { asRegimeModel, openOnnxSession } from '#models/onnx/session.ts'
import type { ServedKind } from '#models/regime.ts'
import { ONNX_FILE, openRegistry } from '#models/registry.ts'
import { seenInTraining } from '../pipeline/unseen.ts'
import {
  answerCoins,
  type BacktestEstimates,
  type EstimateContext,
  type EstimateMarkets,
  unanswered,
} from './estimates.ts'

/** @see championEstimates */
export interface ChampionEstimateOptions {
  readonly range: TimeRange
  /** Directory of the registry, and the version in it. */
  readonly models: string
  readonly version: { readonly kind: ServedKind; readonly id: string }
  /** Where the bars came from. */
  readonly origin: string
}

/**
 * What one version of the registry says at every hour of the range. It is one model for the whole range: where it was
 * trained on some of the hours, `degradations` says so, and the backtest shows memory there.
 *
 * @throws {ModelError} where the version is missing or damaged
 */
export async function championEstimates(
  markets: EstimateMarkets,
  { range, models, version: { kind, id }, origin }: ChampionEstimateOptions,
  context: EstimateContext = {},
): Promise<BacktestEstimates> {
  const { card, files } = await openRegistry(models).read(kind, id)
  const session = await openOnnxSession(files.get(ONNX_FILE)!)
  try {
    const series = await answerCoins(asRegimeModel(session, card), markets, range, context.signal)
    const estimates = new Map(Object.entries(series))
    const seen = seenInTraining(card, { origin, from: range.from })
    return {
      estimates,
      words: `${kind} ${id} of the registry, one model for the whole range`,
      degradations: [...(seen === undefined ? [] : [seen]), ...unanswered(estimates, range)],
    }
  } finally {
    await session.dispose()
  }
}

/** No estimates at all: a wheel that needs regimes opens nothing. */
export function noEstimates(): BacktestEstimates {
  return { estimates: new Map(), words: 'no estimates', degradations: [] }
}
