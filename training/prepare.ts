import type { TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { DataNotice, Instrument } from '#data/provider.ts'
import { remarksOnTest, remarksOnUse } from './coverage.ts'
import { buildMarkets, type Dataset, type Market, usableRange } from './dataset.ts'
import { type DatasetRequest, loadHistory, type PrepareContext } from './history.ts'
import { CENTRED_LABEL } from './labels.ts'
import { splitByTime } from './splits.ts'

/** A data set ready for training, with all there is to say about where it came from. */
export interface PreparedDataset extends Dataset {
  /** Coins evaluated, a subset of the markets. */
  readonly coins: readonly string[]
  /** Range of `asOf` of the samples. */
  readonly range: TimeRange
  readonly origin: string
  /** SHA-256 over all bars. */
  readonly hash: string
  readonly notices: readonly DataNotice[]
  readonly instruments: readonly Instrument[]
}

/** A data set that was not split: enough to ask models about its hours, not to fit or judge them. */
export type PreparedMarkets = Omit<PreparedDataset, 'split'>

/**
 * Loads bars and turns them into features and labels.
 *
 * @throws {InputError} where source, coins or range are wrong, or no hour has features
 * @throws {UnavailableError} where the source cannot be reached and the store has nothing
 */
export async function prepareMarkets(request: DatasetRequest, context: PrepareContext): Promise<PreparedMarkets> {
  const { bars, within, ...history } = await loadHistory(request, context)
  const markets = buildMarkets(bars)
  const range = usableRange(markets, within)
  if (!range) {
    const most = Math.max(...bars.map(({ openTime }) => openTime.length))
    const message =
      `${history.origin} has no hour with features in the range: they need a week of hourly bars whose price moves, ` +
      `the longest of ${bars.length} coins has ${most} bars`
    throw new InputError(message, { within })
  }
  const notices = [...history.notices, ...remarksOnUse(markets, within)]
  return { ...history, markets, label: CENTRED_LABEL, range, notices }
}

/**
 * Loads bars and turns them into features, labels and a split.
 *
 * @throws {InputError} where source, coins or range are wrong or too small for a split
 * @throws {UnavailableError} where the source cannot be reached and the store has nothing
 */
export async function prepareDataset(request: DatasetRequest, context: PrepareContext): Promise<PreparedDataset> {
  const prepared = await prepareMarkets(request, context)
  const split = splitByTime(prepared.range, CENTRED_LABEL.halfWidth, request.testFrom)
  const notices = [...prepared.notices, ...remarksOnTest(evaluatedMarkets(prepared), split.test)]
  return { ...prepared, split, notices }
}

/** Markets of the coins evaluated, in their order. */
export function evaluatedMarkets({ coins, markets }: Pick<PreparedDataset, 'coins' | 'markets'>): Market[] {
  return coins.flatMap((coin) => markets.find((market) => market.bars.coin === coin) ?? [])
}
