import { type Bars, barsKnownAt, barsWithin, ceilToHour, HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { computeFeatures, type FeatureTable } from '#data/features.ts'
import type { DataNotice, Instrument } from '#data/provider.ts'
import { firstMember, type SourceSpec, venueClock } from '#data/source.ts'
import type { FlowSeries } from '#data/trades.ts'
import type { WeightBudget } from '#data/weight-budget.ts'
import { rowKnownAt } from '#src/wheel/snapshot.ts'
import { loadHistory } from '#training/history.ts'

/** What is known of all coins at one full hour. */
export interface KnownBars {
  readonly asOf: number
  readonly origin: string
  /** Of each coin the bars that were over at `asOf`. */
  readonly bars: readonly Bars[]
  readonly instruments: readonly Instrument[]
  readonly flows?: ReadonlyMap<string, FlowSeries>
  readonly notices: readonly DataNotice[]
  /** End of the newest bar of any coin, UTC milliseconds. */
  readonly newest: number | null
  /** Coins that lack the bar that ended at `asOf`. */
  readonly behind: readonly string[]
}

/** Where a round gets its bars from. */
export interface RoundMarkets {
  readonly origin: string
  /**
   * @param options.stored ask nobody, for this reason: what is in the store is what there is
   * @throws {UnavailableError} where the source does not serve and nothing is stored
   */
  load(asOf: number, options?: { readonly stored?: string; readonly signal?: AbortSignal }): Promise<KnownBars>
  /** What time it is at the venue, UTC milliseconds; undefined where it does not tell. */
  clock?(signal?: AbortSignal): Promise<number | undefined>
  /** Features of a coin, rows up to `asOf` at least: those of later rows look back only and are never asked for. */
  features(bars: Bars): FeatureTable
}

/** A month of features and the scanners' longest window lie before the hour that is decided upon. */
const LOOKBACK = 45 * 24 * HOUR

export interface MarketsRequest {
  readonly source: SourceSpec
  readonly coins?: readonly string[]
  readonly pool?: readonly string[] | 'all'
  readonly from?: number
  readonly to?: number
  readonly state: string
}

const list = (coins: readonly string[]) => [...coins] as [string, ...string[]]

/** A local source, read once; each hour sees what was known then. */
export async function localMarkets(
  request: MarketsRequest,
  now: () => number,
): Promise<RoundMarkets & { readonly range: { readonly from: number; readonly to: number } }> {
  const { source, coins, from, to, state } = request
  const history = await loadHistory(
    {
      source,
      state,
      ...(coins ? { coins: list(coins), pool: list(coins) } : { pool: 'all' }),
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
    },
    { now },
  )
  const { bars, instruments, notices, origin } = history
  const tables = new Map(bars.map((series) => [series.coin, computeFeatures(series)]))
  const end = Math.max(...bars.map(({ openTime }) => openTime[openTime.length - 1])) + 2 * HOUR
  const begin = Math.min(...[...tables.values()].map(({ asOf }) => asOf[0] ?? Number.POSITIVE_INFINITY))
  if (!Number.isFinite(begin)) {
    throw new InputError(`${origin} has no hour with features: they need a week of hourly bars whose price moves`)
  }
  let told = false
  return {
    origin,
    range: { from: ceilToHour(begin), to: Math.min(end, to ?? end) },
    async load(asOf) {
      const known = bars.map((series) => barsKnownAt(series, asOf)).filter(({ openTime }) => openTime.length > 0)
      const remarks = told ? [] : notices
      told = true
      return { asOf, origin, bars: known, instruments, notices: remarks, ...standOf(known, asOf) }
    },
    features: ({ coin }) => tables.get(coin)!,
  }
}

/** An exchange, asked through the local store. */
export function remoteMarkets(
  request: MarketsRequest,
  origin: string,
  context: {
    readonly now: () => number
    readonly budget: WeightBudget
    /** Keeps what the source said last of its instruments. */
    readonly instruments: { read(): readonly Instrument[] | undefined; write(told: readonly Instrument[]): void }
    readonly flows?: (coins: readonly string[], asOf: number) => ReadonlyMap<string, FlowSeries>
  },
): RoundMarkets {
  const { source, coins, pool, state } = request
  // Two steps ask for the same features; they go with the bars that they were made from.
  const tables = new WeakMap<Bars, FeatureTable>()
  return {
    origin,
    async load(asOf, { stored, signal } = {}) {
      const history = await loadHistory(
        {
          // Nobody is asked: what the first member has brought so far is what there is.
          source: stored === undefined ? source : firstMember(source),
          state,
          from: asOf - LOOKBACK,
          to: asOf + HOUR,
          ...(coins && { coins: list(coins) }),
          ...(pool && { pool: pool === 'all' ? pool : list(pool) }),
        },
        {
          now: context.now,
          budget: context.budget,
          // One coin that is delisted, or for once not named, must not cost all others their round.
          unlisted: 'stored',
          ...(stored && { stored }),
          ...(signal && { signal }),
        },
      )
      const { notices } = history
      // The store knows names only: lots and margins are as they were told last.
      const told = history.instruments.some(({ sizeDecimals }) => sizeDecimals !== undefined)
      if (told) context.instruments.write(history.instruments)
      const instruments = told ? history.instruments : (context.instruments.read() ?? history.instruments)
      const bars = history.bars.map((series) => barsWithin(series, { from: asOf - LOOKBACK, to: asOf }))
      const known = bars.filter(({ openTime }) => openTime.length > 0)
      const flows = context.flows?.(
        known.map(({ coin }) => coin),
        asOf,
      )
      return { asOf, origin, bars: known, instruments, notices, ...(flows && { flows }), ...standOf(known, asOf) }
    },
    clock: (signal) => venueClock(source, { now: context.now, budget: context.budget, ...(signal && { signal }) }),
    features(bars) {
      const table = tables.get(bars) ?? computeFeatures(bars)
      tables.set(bars, table)
      return table
    },
  }
}

function standOf(bars: readonly Bars[], asOf: number): Pick<KnownBars, 'newest' | 'behind'> {
  const ends = bars.map(({ openTime }) => openTime[openTime.length - 1] + HOUR)
  const behind = bars.filter((series) => rowKnownAt(series, asOf) < 0).map(({ coin }) => coin)
  return { newest: ends.length > 0 ? Math.max(...ends) : null, behind }
}
