import { join } from 'node:path'
import { z } from 'zod'
import { ceilToHour, HOUR, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { SERVED_KINDS } from '#models/regime.ts'
import type { EstimateSeries } from '#src/estimates.ts'
import { WheelOptions } from '#src/options.ts'
import { runWheel } from '#src/wheel.ts'
import { sharpeMoments } from '#statistics/deflated-sharpe.ts'
import { DatasetRequest } from '#training/history.ts'
import { TrainingOptions } from '#training/options.ts'
import { evaluatedMarkets, type PreparedDataset } from '#training/prepare.ts'
import type { TrialAnswer } from '#training/search/run-study.ts'
import { prepareWithoutTest } from '#training/search/unseen-test.ts'
import type { TrainingContext } from '#training/train.ts'
import { championEstimates } from '../backtest/champion-estimates.ts'
import { ESTIMATE_KINDS, walkForwardEstimates } from '../backtest/estimates.ts'

/** One trial of the wheel, as it travels through a queue. */
export const WheelTrialRequest = z.strictObject({
  task: z.literal('wheel trial'),
  number: z.int().min(0),
  dataset: DatasetRequest,
  /** With the trial's own values in place. */
  wheel: WheelOptions,
  /** What steers the wheel. */
  regimes: z.union([
    /** A version of the registry in `models`, over the validation fold. */
    z.strictObject({ models: z.string().min(1), kind: z.enum(SERVED_KINDS), id: z.string().min(1) }),
    /** Models fitted to what lies before each block, over all history before the test period. */
    z.strictObject({
      walkForward: z.enum(ESTIMATE_KINDS),
      everyDays: z.int().positive(),
      training: TrainingOptions,
      seed: z.int(),
    }),
  ]),
})
export type WheelTrialRequest = z.infer<typeof WheelTrialRequest>

const HOURS_A_YEAR = 365 * 24
const WALK_FORWARD_HISTORY = 60 * 24 * HOUR

/** Hours of the validation fold that the wheel turns over. */
export function validationHours({ split }: Pick<PreparedDataset, 'split'>): TimeRange {
  return { from: ceilToHour(split.validation.from), to: ceilToHour(split.validation.to) }
}

/** Hours before the test period that models fitted walk-forward can answer: the first needs history before it. */
export function walkForwardHours({ range }: Pick<PreparedDataset, 'range'>): TimeRange {
  const affordable = Math.floor((range.to - range.from) / 2 / HOUR) * HOUR
  return { from: ceilToHour(range.from + Math.min(WALK_FORWARD_HISTORY, affordable)), to: ceilToHour(range.to) }
}

/**
 * Turns the wheel over the validation fold, or walk-forward over all history before the test period, and answers with the Sharpe ratio of its hourly returns, a year. A wheel that
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
  const range = 'walkForward' in checked.data.regimes ? walkForwardHours(dataset) : validationHours(dataset)
  const result = await runWheel({
    bars: evaluatedMarkets(dataset).map((market) => market.bars),
    estimates: await estimates(dataset, range, checked.data, context.signal),
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

/** What steers the wheel at every hour of the range, by coin. */
async function estimates(
  dataset: PreparedDataset,
  range: TimeRange,
  { dataset: { state }, regimes }: WheelTrialRequest,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, EstimateSeries>> {
  if (!('walkForward' in regimes)) {
    const { models, kind, id } = regimes
    const { origin } = dataset
    return (await championEstimates(dataset, { range, models, version: { kind, id }, origin }, { signal })).estimates
  }
  const { walkForward: kind, everyDays, training, seed } = regimes
  // Every trial finds what the first one fitted.
  const cache = join(state, 'estimates')
  const options = { kind, range, everyDays, training, seed, historyDays: historyDaysBefore(dataset, range), threads: 1 }
  return (await walkForwardEstimates(dataset, options, cache, { signal })).estimates
}

function historyDaysBefore({ range }: PreparedDataset, { from }: TimeRange): number {
  return Math.max(0, Math.floor((from - range.from) / (24 * HOUR)))
}
