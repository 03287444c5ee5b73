import { join } from 'node:path'
import { z } from 'zod'
import { type Bars, barsWithin, floorToHour, HOUR, LATEST_DATE, type TimeRange } from '#data/bars.ts'
import { coreCoins } from '#data/core-coins.ts'
import { dataHash } from '#data/data-hash.ts'
import { InputError, UnavailableError, VenueError } from '#data/errors.ts'
import { WARM_UP_HOURS } from '#data/features.ts'
import { type LoadedBars, type LoadOptions, loadBars } from '#data/load.ts'
import type { ProgressListener } from '#data/progress.ts'
import type { DataNotice, Instrument, Provider } from '#data/provider.ts'
import { hourText } from '#data/providers/series.ts'
import { openProvider, SourceSpec } from '#data/source.ts'
import { openStore, type Store } from '#data/store.ts'
import { storedOnly } from '#data/stored-only.ts'
import type { WeightBudget } from '#data/weight-budget.ts'

const coinList = z.array(z.string().min(1)).nonempty()

/** What data a run is about; plain JSON, so that a training on another machine sees the same. */
export const DatasetRequest = z.strictObject({
  source: SourceSpec,
  /** Coins evaluated; the core eight that the source has by default. */
  coins: coinList.optional(),
  /** Coins trained on; every coin of a local source, the coins evaluated of a remote one, by default. */
  pool: z.union([coinList, z.literal('all')]).optional(),
  /** Range of `asOf`, UTC milliseconds; all that a local source has by default, a remote one must be told. */
  from: z.number().optional(),
  to: z.number().optional(),
  testFrom: z.number().optional(),
  /** Directory of the local store. */
  state: z.string().min(1),
})
export type DatasetRequest = z.infer<typeof DatasetRequest>

export interface PrepareContext {
  readonly now: () => number
  readonly progress?: ProgressListener
  readonly signal?: AbortSignal
  /** Rate limit of the venue, shared by all that this process asks of it; one of its own where absent. */
  readonly budget?: WeightBudget
  /** Ask no remote source, for this reason: what is in the store is what there is. */
  readonly stored?: string
  /**
   * What becomes of a coin that was stored before and that a venue does not list now: `refuse` (a name must be right
   * before anything begins, default), or `stored`: the others are fetched, and of this one there is what was stored.
   */
  readonly unlisted?: 'refuse' | 'stored'
}

/** Bars before `from` that are loaded: the features' warm-up and a day of knots. */
const LOOKBACK_HOURS = WARM_UP_HOURS + 24
const STORE_FILE = 'market.sqlite'

/** The bars that a request asks for, the warm-up before its range included. */
export interface LoadedHistory {
  /** By coin; those evaluated first. */
  readonly bars: readonly Bars[]
  /** Coins evaluated, a subset of the bars. */
  readonly coins: readonly string[]
  /** Range of `asOf` that was asked for. */
  readonly within: TimeRange
  readonly origin: string
  /** SHA-256 over all bars. */
  readonly hash: string
  readonly notices: readonly DataNotice[]
  readonly instruments: readonly Instrument[]
}

/**
 * Loads the bars of a request, however few.
 *
 * @throws {InputError} where source, coins or range are wrong
 * @throws {UnavailableError} where the source cannot be reached and the store has nothing
 */
export async function loadHistory(request: DatasetRequest, context: PrepareContext): Promise<LoadedHistory> {
  const store = usesStore(request.source) ? openStore(join(request.state, STORE_FILE)) : undefined
  const opened = openProvider(request.source, { now: context.now, store, budget: context.budget })
  try {
    const { provider, instruments } = await listCoins(opened, store, context)
    const { origin } = provider
    const within = wantedRange(request, provider)
    const { evaluated, loaded } = await loadPool(request, provider, instruments, store, within, context)
    const bars = cut(loaded.bars, within)
    if (bars.length === 0) throw new InputError(noBars(origin, loaded.bars, within), { field: 'range' })
    const kept = new Set(bars.map(({ coin }) => coin))
    const outside = loaded.bars.filter(({ coin }) => !kept.has(coin))
    const notices = [
      ...loaded.notices,
      ...outside.map(({ coin }): DataNotice => ({ coin, kind: 'unavailable', message: 'no bars in the range' })),
    ]
    const coins = evaluated.filter((coin) => kept.has(coin))
    return { bars, coins, within, origin, hash: dataHash(bars), notices, instruments }
  } finally {
    await opened.close()
    store?.close()
  }
}

/**
 * The coins of a source. A venue that does not even give their list is away: the store stands in for it, and nothing else
 * is asked of it this time.
 */
async function listCoins(
  provider: Provider,
  store: Store | undefined,
  { stored, signal }: PrepareContext,
): Promise<{ readonly provider: Provider; readonly instruments: readonly Instrument[] }> {
  const fromStore = (reason: string) => ({
    provider: storedOnly(provider, reason),
    instruments: store!.coins(provider.origin).map((coin) => ({ coin, live: true })),
  })
  const mayStandIn = provider.remote && store !== undefined && store.coins(provider.origin).length > 0
  if (stored !== undefined && mayStandIn) return fromStore(stored)
  try {
    return { provider, instruments: await provider.universe(signal) }
  } catch (error) {
    signal?.throwIfAborted()
    if (!mayStandIn || !(error instanceof UnavailableError || error instanceof VenueError)) throw error
    return fromStore(error.message)
  }
}

function noBars(origin: string, bars: readonly Bars[], within: TimeRange): string {
  const from = Math.min(...bars.map(({ openTime }) => openTime[0]))
  const to = Math.max(...bars.map(({ openTime }) => openTime[openTime.length - 1]))
  const asked = `from ${hourText(within.from)} ${within.to < LATEST_DATE ? `to ${hourText(within.to)}` : 'on'}`
  return `${origin} has no bars ${asked}: its first is of ${hourText(from)}, its last of ${hourText(to)}`
}

function usesStore(source: SourceSpec): boolean {
  return source.source === 'hyperliquid' || (source.source === 'failover' && source.of.some(usesStore))
}

/**
 * Range of `asOf` that is wanted: everything, unless the request says otherwise. A remote source must be told, so that
 * whoever prepares the same request later (a training process, past the full hour) sees the same data.
 */
function wantedRange({ from, to }: DatasetRequest, { remote, origin }: Provider): TimeRange {
  if (remote && (from === undefined || to === undefined)) {
    throw new InputError(`${origin} needs a range: say from when to when`, {
      field: from === undefined ? 'from' : 'to',
    })
  }
  return { from: floorToHour(from ?? 0), to: floorToHour(to ?? LATEST_DATE) }
}

async function loadPool(
  request: DatasetRequest,
  provider: Provider,
  instruments: readonly Instrument[],
  store: Store | undefined,
  within: TimeRange,
  context: PrepareContext,
): Promise<{ evaluated: string[]; loaded: LoadedBars }> {
  // A local source is read whole: cutting it here would report the warm-up that it never had as a shortage.
  const range = provider.remote || usesStore(request.source) ? barRange(within) : undefined
  const live = instruments.filter((instrument) => instrument.live).map((instrument) => instrument.coin)
  const evaluated = [...new Set(request.coins ?? coreCoins.filter((coin) => live.includes(coin)))]
  const pool = request.pool ?? (provider.remote ? [] : 'all')
  const wanted = [...new Set([...evaluated, ...(pool === 'all' ? live : pool)])]
  const listed = new Set(instruments.map(({ coin }) => coin))
  const known = context.unlisted === 'stored' && provider.remote && store ? store.coins(provider.origin) : []
  const gone = wanted.filter((coin) => !listed.has(coin) && known.includes(coin))
  const asked = wanted.filter((coin) => !gone.includes(coin))
  // Without any core coin the loader says what there is instead.
  const coins: LoadOptions['coins'] = evaluated.length > 0 ? asked : 'core'
  const silent = storedOnly(provider, `it does not list ${gone.join(', ')} now`)
  const loaded: LoadedBars = { bars: [], notices: [] }
  for (const part of [
    { provider: silent, coins: gone },
    { provider, coins },
  ]) {
    if (part.coins.length === 0) continue
    const { bars, notices } = await loadBars({ ...part, store, range, ...context })
    loaded.bars.push(...bars)
    loaded.notices.push(...notices)
  }
  return { evaluated: evaluated.filter((coin) => loaded.bars.some((bars) => bars.coin === coin)), loaded }
}

/** Opening times of the bars known at some `asOf` of the range, and of the warm-up before it. */
function barRange({ from, to }: TimeRange): TimeRange {
  return { from: from - LOOKBACK_HOURS * HOUR, to: to - HOUR }
}

/** Bars of the range and of the warm-up before it; coins without any bar in it are gone. */
function cut(bars: readonly Bars[], within: TimeRange): Bars[] {
  const range = barRange(within)
  return bars.map((coinBars) => barsWithin(coinBars, range)).filter((coinBars) => coinBars.openTime.length > 0)
}
