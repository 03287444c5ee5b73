import { floorToHour, gaps, HOUR } from '#data/bars.ts'
import type { DataNotice } from '#data/provider.ts'
import { windowRows } from '#data/windows.ts'
import type { Regime } from '#models/regime.ts'
import { REGIMES } from '#models/regime.ts'
import type { Market } from '#training/dataset.ts'
import type { DatasetRequest, PrepareContext } from '#training/history.ts'
import { NO_LABEL } from '#training/labels.ts'
import { evaluatedMarkets, type PreparedDataset, prepareDataset } from '#training/prepare.ts'
import type { CoinData } from '#training/report/data.ts'
import type { RunContext, RunSettings } from './settings.ts'
import type { ResolvedSource } from './source.ts'

/** What the exchange is asked for unless told otherwise. */
const REMOTE_DAYS = 30

/** The request that prepares the same data here and in a training process, now and an hour later. */
export function datasetRequest(settings: RunSettings, source: ResolvedSource, now: number): DatasetRequest {
  const list = (coins: readonly string[]) => [...coins] as [string, ...string[]]
  const { coins, pool, testFrom, paths } = settings
  const { from, to } = pinnedRange(settings, source, now)
  return {
    source: source.spec,
    ...(coins && { coins: list(coins) }),
    ...(pool && { pool: pool === 'all' ? pool : list(pool) }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(testFrom !== undefined && { testFrom }),
    state: paths.state,
  }
}

function pinnedRange({ from, to }: RunSettings, { spec }: ResolvedSource, now: number) {
  if (spec.source === 'csv' || spec.source === 'simulated') return { from, to }
  // The bar that ended at the last full hour is known at it, and the range is half-open.
  const end = to ?? floorToHour(now) + HOUR
  return { from: from ?? end - REMOTE_DAYS * 24 * HOUR, to: end }
}

/** Says at once what is not perfect about the data. */
export async function withRemarks<T extends { readonly notices: readonly DataNotice[] }>(
  prepare: (request: DatasetRequest, context: PrepareContext) => Promise<T>,
  request: DatasetRequest,
  context: RunContext,
): Promise<T> {
  const { now, progress, signal, logger } = context
  const prepared = await prepare(request, { now, progress, signal })
  for (const { coin, kind, message } of prepared.notices)
    logger.warn({ coin, kind }, coin ? `${coin}: ${message}` : message)
  return prepared
}

/** Loads the data of a run; what is not perfect about them is logged at once. */
export async function loadDataset(request: DatasetRequest, context: RunContext): Promise<PreparedDataset> {
  return withRemarks(prepareDataset, request, context)
}

/** The data of the coins evaluated, counted. */
export interface DatasetSummary {
  readonly bars: number
  readonly windows: number
  readonly classShare: Record<Regime, number>
  readonly perCoin: readonly CoinData[]
}

/** Counts bars, labelled windows of `knots` knots and labels over the range of the data set. */
export function summariseDataset(dataset: PreparedDataset, knots: number): DatasetSummary {
  const perCoin = evaluatedMarkets(dataset).map((market) => countCoin(market, dataset, knots))
  const total = (pick: (coin: CoinData) => number) => perCoin.reduce((sum, coin) => sum + pick(coin), 0)
  const windows = total((coin) => coin.windows)
  return {
    bars: total((coin) => coin.bars),
    windows,
    classShare: shares(REGIMES.map((regime) => total((coin) => coin.classShare[regime] * coin.windows))),
    perCoin,
  }
}

function countCoin({ bars, features, labels }: Market, { range }: PreparedDataset, knots: number): CoinData {
  const counts = [0, 0, 0]
  for (const row of windowRows(features, knots)) {
    const inRange = features.asOf[row] >= range.from && features.asOf[row] < range.to
    if (inRange && labels[row] !== NO_LABEL) counts[labels[row]]++
  }
  return {
    coin: bars.coin,
    bars: bars.openTime.length,
    windows: counts[0] + counts[1] + counts[2],
    from: bars.openTime[0],
    to: bars.openTime[bars.openTime.length - 1],
    gapHours: gaps(bars.openTime).reduce((sum, gap) => sum + gap.hours, 0),
    fundingMissing: bars.funding.reduce((sum, rate) => sum + (Number.isNaN(rate) ? 1 : 0), 0),
    classShare: shares(counts),
  }
}

function shares(counts: readonly number[]): Record<Regime, number> {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return Object.fromEntries(REGIMES.map((regime, k) => [regime, total > 0 ? counts[k] / total : Number.NaN])) as Record<
    Regime,
    number
  >
}
