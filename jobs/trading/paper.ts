import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HOUR } from '#data/bars.ts'
import { toDollars } from '#src/account/money.ts'
import { type Engine, liveThroughHour } from '#src/engine.ts'
import { openJournal } from '#src/ledger/journal.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import type { LedgerState } from '#src/ledger/state.ts'
import { contractOf } from '#src/paper/contracts.ts'
import { createPaperExchange } from '#src/paper/exchange.ts'
import { createScanners } from '#src/scanners/all.ts'
import { createScanBook, type Snapshot } from '#src/wheel/snapshot.ts'
import { prepareMarkets } from '#training/prepare.ts'
import { datasetRequest, withRemarks } from '../pipeline/dataset.ts'
import type { RunContext, RunSettings } from '../pipeline/settings.ts'
import { type ResolvedSource, resolveSource } from '../pipeline/source.ts'
import { pinnedVersions } from '../pipeline/versions.ts'
import { openModels } from '../workers/open-serving.ts'
import { createWarmServing } from '../workers/serving.ts'
import { estimatesAt } from './estimates-now.ts'
import { type Feed, type KnownMarket, liveFeed, replayFeed } from './feed.ts'
import { paperLedger } from './ledgers.ts'
import type { PaperOptions } from './options.ts'

export interface PaperSettings extends RunSettings {
  readonly paper: PaperOptions
}

/** What `paper` answers when it stops. */
export interface PaperSummary {
  readonly source: string
  readonly ledger: string
  /** Hours lived through now, and in all. */
  readonly hours: number
  readonly totalHours: number
  readonly asOf: string | null
  readonly model: string
  readonly equity: number
  readonly trades: number
  readonly positions: readonly { readonly coin: string; readonly size: number; readonly mark: number }[]
  /** Why it stopped. */
  readonly stopped: string
}

/** A month of features and the scanners' longest window lie before the first hour that is decided upon. */
const LOOKBACK_DAYS = 45
/** Part of a local source's range after which paper trading begins, unless --test-from says otherwise. */
const REPLAY_DAYS = 14

/**
 * Trades on paper: hour after hour, with the champion's estimates, into a ledger on disk. What was stopped goes on where
 * it was; hours that passed meanwhile are lived through without decisions.
 *
 * @throws {InputError} where the data are not usable
 * @throws {MillraceError} `fail-closed` where the ledger is damaged or another process writes to it
 */
export async function paperCommand(settings: PaperSettings, context: RunContext): Promise<PaperSummary> {
  const source = await resolveSource(settings.source, context)
  const feed = await openFeed(settings, source, context)
  const path = paperLedger(settings.paths.state)
  await mkdir(dirname(path), { recursive: true })
  const store = openSqliteLedger(path, { durable: true })
  const serving = createWarmServing({
    modelsDirectory: settings.paths.models,
    open: openModels,
    threads: 1,
    now: context.now,
    maxAgeDays: settings.maxAgeDays,
    logger: context.logger,
  })
  try {
    const options = settings.wheel
    const engine: Engine = {
      journal: openJournal(store),
      venue: createPaperExchange(options.exchange),
      book: createScanBook(createScanners(options), options.fusion.learning.horizonHours),
      options,
      keepStories: true,
    }
    const pinned = (await pinnedVersions(settings))?.versions
    const { hours, model, stopped } = await live(engine, feed, settings, context, (known) =>
      serving.use({ pinned }, async (served) => {
        const estimates = await estimatesAt(served, known.markets, known.asOf)
        const { kind, id, degradations } = served
        return { estimates, model: id === undefined ? kind : `${kind} ${id}`, degraded: degradations }
      }),
    )
    return { source: source.spec.source, ledger: path, hours, model, stopped, ...standing(engine.journal.state) }
  } finally {
    await serving.close()
    store.close()
  }
}

interface Served {
  readonly estimates: ReadonlyMap<string, readonly [number, number, number]>
  readonly model: string
  readonly degraded: readonly string[]
}

async function live(
  engine: Engine,
  feed: Feed,
  { paper }: PaperSettings,
  { logger, progress, signal }: RunContext,
  serve: (known: KnownMarket) => Promise<Served>,
): Promise<{ readonly hours: number; readonly model: string; readonly stopped: string }> {
  const { state } = engine.journal
  let hours = 0
  let model = 'none'
  // The hour that a crash cut off is gone through again: what is in the ledger of it is not done twice.
  let after = state.advancedTo === undefined ? undefined : state.advancedTo - HOUR
  while (paper.hours === undefined || hours < paper.hours) {
    if (signal?.aborted) return { hours, model, stopped: 'told to stop' }
    const known = await feed.next(after, signal).catch((error: unknown) => {
      if (signal?.aborted) return 'stopped' as const
      throw error
    })
    if (known === 'stopped') return { hours, model, stopped: 'told to stop' }
    if (known === undefined) return { hours, model, stopped: 'the data end here' }
    const again = known.asOf === state.decidedAt
    const served = await serve(known)
    model = served.model
    const phase = { mayOpen: true, closeAll: false, absent: known.missed }
    const { stories } = await liveThroughHour(engine, known.asOf, snapshotOf(engine, known, served), phase, signal)
    after = known.asOf
    if (again) continue
    hours++
    const { equity, positions } = standing(state)
    const done = stories.filter(({ action }) => action === 'open' || action === 'close' || action === 'renew')
    const words = done.map(({ action, coin, direction }) => `${action} ${direction > 0 ? 'long' : 'short'} ${coin}`)
    const time = new Date(known.asOf).toISOString().slice(0, 16).replace('T', ' ')
    const note = `${time} equity ${equity.toFixed(2)}, ${positions.length} open${words.length > 0 ? `: ${words.join(', ')}` : ''}`
    if (words.length > 0) logger.info({ asOf: known.asOf, equity }, note)
    progress({ stage: 'paper', done: hours, total: paper.hours ?? hours, note })
  }
  return { hours, model, stopped: `${paper.hours} hours are over` }
}

function snapshotOf({ options }: Engine, { markets, instruments, asOf }: KnownMarket, served: Served): Snapshot {
  const known = new Map(instruments.map((instrument) => [instrument.coin, instrument]))
  const { estimates, model, degraded } = served
  return {
    listings: new Map(
      markets.map(({ bars }) => [
        bars.coin,
        { contract: contractOf(known.get(bars.coin), bars.coin, options.exchange), bars },
      ]),
    ),
    market: { bars: markets.map(({ bars }) => bars) },
    estimate: (coin, at) => (at === asOf ? estimates.get(coin) : undefined),
    model,
    degraded,
  }
}

/** Where the account stands. */
function standing({
  account,
  history,
  advancedTo,
}: LedgerState): Omit<PaperSummary, 'source' | 'ledger' | 'hours' | 'model' | 'stopped'> {
  const positions = [...account.holdings].filter(([, { size }]) => size !== 0)
  return {
    totalHours: history.hours.length,
    asOf: advancedTo === undefined ? null : new Date(advancedTo).toISOString(),
    equity: toDollars(history.hours.at(-1)?.equity ?? account.deposits),
    trades: history.trades.length,
    positions: positions.map(([coin, { size, mark }]) => ({ coin, size, mark })),
  }
}

async function openFeed(settings: PaperSettings, source: ResolvedSource, context: RunContext): Promise<Feed> {
  const { spec } = source
  const { paper } = settings
  if (spec.source === 'csv' || spec.source === 'simulated') {
    const prepared = await withRemarks(prepareMarkets, datasetRequest(settings, source, context.now()), context)
    const from = settings.testFrom ?? prepared.range.to - REPLAY_DAYS * 24 * HOUR
    return replayFeed(prepared, from, paper.pace)
  }
  return liveFeed({
    origin: spec.source,
    now: context.now,
    grace: 1000 * paper.graceSeconds,
    load: async (asOf, signal) => {
      const from = asOf - LOOKBACK_DAYS * 24 * HOUR
      const request = datasetRequest({ ...settings, from, to: asOf + HOUR }, source, context.now())
      return withRemarks(prepareMarkets, request, { ...context, signal })
    },
  })
}
