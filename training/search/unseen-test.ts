import { barsWithin } from '#data/bars.ts'
import { dataHash } from '#data/data-hash.ts'
import { buildMarkets } from '../dataset.ts'
import type { DatasetRequest, PrepareContext } from '../history.ts'
import { type PreparedDataset, prepareDataset } from '../prepare.ts'

/**
 * A data set whose test period is not there: bars end where it begins, features and labels are made from the rest. What
 * is searched on it cannot have seen the test period, whatever it does.
 *
 * The split is that of the whole range, so that a training with the settings found has the same folds. `hash` is that
 * of the bars that are left.
 */
export async function prepareWithoutTest(request: DatasetRequest, context: PrepareContext): Promise<PreparedDataset> {
  const whole = await prepareDataset(request, context)
  const until = { from: Number.NEGATIVE_INFINITY, to: whole.split.test.from }
  const bars = whole.markets
    .map((market) => barsWithin(market.bars, until))
    .filter(({ openTime }) => openTime.length > 0)
  const left = new Set(bars.map(({ coin }) => coin))
  return {
    ...whole,
    markets: buildMarkets(bars, whole.label),
    coins: whole.coins.filter((coin) => left.has(coin)),
    range: { from: whole.range.from, to: whole.split.test.from },
    hash: dataHash(bars),
  }
}
