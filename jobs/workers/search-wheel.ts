import { z } from 'zod'
import { ceilToHour, HOUR, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { type WindowEnd, windowRows } from '#data/windows.ts'
import { asRegimeModel, openOnnxSession } from '#models/onnx/session.ts'
import { REGIMES, type RegimeModel, SERVED_KINDS } from '#models/regime.ts'
import { ONNX_FILE, openRegistry } from '#models/registry.ts'
import type { EstimateSeries } from '#src/estimates.ts'
import { WheelOptions } from '#src/options.ts'
import { runWheel } from '#src/wheel.ts'
import { sharpeMoments } from '#statistics/deflated-sharpe.ts'
import { predict } from '#training/evaluate-models.ts'
import { DatasetRequest } from '#training/history.ts'
import { evaluatedMarkets, type PreparedDataset } from '#training/prepare.ts'
import type { TrialAnswer } from '#training/search/run-study.ts'
import { prepareWithoutTest } from '#training/search/unseen-test.ts'
import type { TrainingContext } from '#training/train.ts'

/** One trial of the wheel, as it travels through a queue. */
export const WheelTrialRequest = z.strictObject({
  task: z.literal('wheel trial'),
  number: z.int().min(0),
  dataset: DatasetRequest,
  /** With the trial's own values in place. */
  wheel: WheelOptions,
  /** Directory of the registry, and the version whose estimates steer the wheel. */
  models: z.string().min(1),
  version: z.strictObject({ kind: z.enum(SERVED_KINDS), id: z.string().min(1) }),
})
export type WheelTrialRequest = z.infer<typeof WheelTrialRequest>

const HOURS_A_YEAR = 365 * 24

/** Hours of the validation fold that the wheel turns over. */
export function validationHours({ split }: Pick<PreparedDataset, 'split'>): TimeRange {
  return { from: ceilToHour(split.validation.from), to: ceilToHour(split.validation.to) }
}

/**
 * Turns the wheel over the validation fold and answers with the Sharpe ratio of its hourly returns, a year. A wheel that
 * never traded has none: it ranks behind all that have.
 *
 * @throws {InputError} for a request that is not one
 * @throws {ModelError} where the version is missing or damaged
 */
export async function wheelTrial(request: unknown, context: TrainingContext): Promise<TrialAnswer> {
  const started = performance.now()
  const checked = WheelTrialRequest.safeParse(request)
  if (!checked.success) {
    const [issue] = checked.error.issues
    throw new InputError(`wheel trial: ${issue.path.join('.')}: ${issue.message}`, { path: issue.path })
  }
  const { wheel, number } = checked.data
  const dataset = await prepareWithoutTest(checked.data.dataset, { now: context.now, signal: context.signal })
  const range = validationHours(dataset)
  const result = await runWheel({
    bars: evaluatedMarkets(dataset).map((market) => market.bars),
    estimates: await estimates(dataset, range, checked.data),
    range,
    options: wheel,
    instruments: dataset.instruments,
    progress: ({ done, total }) => context.progress({ stage: `trial ${number}`, done, total }),
    signal: context.signal,
  })
  const returns = hourlyReturns(result.equity.value, wheel.capitalDollars)
  const { trades, equityChange } = result
  const figures = { trades, equityChange }
  const seconds = (performance.now() - started) / 1000
  const { sharpe } = sharpeMoments(returns)
  if (Number.isNaN(sharpe)) {
    return {
      state: 'pruned',
      curve: [],
      returns,
      figures,
      reason: 'the wheel never traded: it has no Sharpe ratio',
      seconds,
    }
  }
  return { state: 'complete', value: sharpe * Math.sqrt(HOURS_A_YEAR), curve: [], returns, figures, seconds }
}

/** Change of equity from hour to hour over what it was, the first against `start`. */
function hourlyReturns(equity: readonly number[], start: number): number[] {
  return equity.map((value, i) => value / (i === 0 ? start : equity[i - 1]) - 1)
}

/** What the version says at every hour of the range, by coin. */
async function estimates(
  dataset: PreparedDataset,
  range: TimeRange,
  { models, version: { kind, id } }: WheelTrialRequest,
): Promise<Map<string, EstimateSeries>> {
  const { card, files } = await openRegistry(models).read(kind, id)
  const session = await openOnnxSession(files.get(ONNX_FILE)!, { threads: 1 })
  try {
    const model = asRegimeModel(session, card)
    const found = new Map<string, EstimateSeries>()
    for (const { bars, features } of evaluatedMarkets(dataset)) {
      const ends = [...windowRows(features, model.knots)]
        .filter((row) => features.asOf[row] >= range.from && features.asOf[row] < range.to + HOUR)
        .map((row): WindowEnd => ({ table: features, row }))
      found.set(bars.coin, await estimateCoin(model, ends))
    }
    return found
  } finally {
    await session.dispose()
  }
}

async function estimateCoin(model: RegimeModel, ends: readonly WindowEnd[]): Promise<EstimateSeries> {
  const probabilities = ends.length > 0 ? await predict(model, ends) : new Float32Array(0)
  const asOf = Float64Array.from(ends, ({ table, row }) => table.asOf[row])
  if (probabilities.length !== asOf.length * REGIMES.length) throw new RangeError('a model left windows unanswered')
  return { asOf, probabilities }
}
