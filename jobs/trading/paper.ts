import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HOUR } from '#data/bars.ts'
import { firstMember } from '#data/source.ts'
import type { FlowBook } from '#data/trades.ts'
import type { Engine } from '#src/engine.ts'
import { openJournal } from '#src/ledger/journal.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { createPaperExchange } from '#src/paper/exchange.ts'
import { createScanners } from '#src/scanners/all.ts'
import { createScanBook } from '#src/wheel/snapshot.ts'
import { evaluatedMarkets, type PreparedMarkets, prepareMarkets } from '#training/prepare.ts'
import { datasetRequest, withRemarks } from '../pipeline/dataset.ts'
import type { RunContext, RunSettings } from '../pipeline/settings.ts'
import { type ResolvedSource, resolveSource } from '../pipeline/source.ts'
import { pinnedVersions } from '../pipeline/versions.ts'
import { openModels } from '../workers/open-serving.ts'
import { createWarmServing } from '../workers/serving.ts'
import { estimatesAt } from './estimates-now.ts'
import { type Feed, liveFeed, replayFeed } from './feed.ts'
import { followTrades } from './follow-trades.ts'
import { graduate } from './graduate.ts'
import { paperLedger } from './ledgers.ts'
import type { PaperOptions } from './options.ts'
import { type Standing, standing, tradeOn } from './trade-on.ts'
import { mustBeWhole } from './whole-ledger.ts'

export interface PaperSettings extends RunSettings {
  readonly paper: PaperOptions
}

/** What `paper` answers when it stops. */
export interface PaperSummary extends Standing {
  readonly source: string
  readonly ledger: string
  /** Hours lived through now. */
  readonly hours: number
  readonly model: string
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
  // What is streamed ends with the command, however that ends.
  const ended = new AbortController()
  const streaming = AbortSignal.any(context.signal ? [context.signal, ended.signal] : [ended.signal])
  try {
    const options = settings.wheel
    const engine: Engine = {
      journal: openJournal(store),
      venue: createPaperExchange(options.exchange),
      book: createScanBook(createScanners(options), options.fusion.learning.horizonHours),
      options,
      keepStories: true,
    }
    mustBeWhole(store, path)
    const { history } = engine.journal.state
    const feed = await openFeed(settings, source, { ...context, signal: streaming }, history.hours[0]?.time)
    const pinned = (await pinnedVersions(settings))?.versions
    const { hours, model, stopped } = await tradeOn(engine, feed, settings.paper, context, async (known) => {
      if ((known.asOf / HOUR) % settings.paper.integrityHours === 0) {
        const bars = known.markets.map((market) => market.bars)
        mustBeWhole(store, path, bars)
        await graduate(engine.journal, store, { bars, instruments: known.instruments }, options, context)
      }
      return serving.use({ pinned }, async (served) => {
        const estimates = await estimatesAt(served, known.markets, known.asOf)
        const { kind, id, degradations } = served
        return { estimates, model: id === undefined ? kind : `${kind} ${id}`, degraded: degradations }
      })
    })
    return { source: source.spec.source, ledger: path, hours, model, stopped, ...standing(engine.journal.state) }
  } finally {
    ended.abort()
    await serving.close()
    store.close()
  }
}

async function openFeed(
  settings: PaperSettings,
  source: ResolvedSource,
  context: RunContext & { readonly signal: AbortSignal },
  first: number | undefined,
): Promise<Feed> {
  const { spec } = source
  const { paper } = settings
  if (spec.source === 'csv' || spec.source === 'simulated') {
    const loaded = await withRemarks(prepareMarkets, datasetRequest(settings, source, context.now()), context)
    const prepared = traded(loaded, settings)
    const from = settings.testFrom ?? prepared.range.to - REPLAY_DAYS * 24 * HOUR
    return replayFeed(prepared, from, paper.pace)
  }
  const venue = firstMember(spec)
  let book: FlowBook | undefined
  return liveFeed({
    origin: spec.source,
    now: context.now,
    grace: 1000 * paper.graceSeconds,
    onProblem: ({ message }) => context.logger.warn(`the hour waits: ${message}`),
    load: async (asOf, signal) => {
      // The whole of the ledger is tested again before anything is granted.
      const from = Math.min(asOf, first ?? asOf) - LOOKBACK_DAYS * 24 * HOUR
      const request = datasetRequest({ ...settings, from, to: asOf + HOUR }, source, context.now())
      const prepared = traded(await withRemarks(prepareMarkets, request, { ...context, signal }), settings)
      // The first hour tells which coins there are; whole hours of trades are known from the next but one on.
      const coins = prepared.markets.map(({ bars }) => bars.coin)
      if (paper.trades) book ??= followTrades(coins, 'apiUrl' in venue ? venue.apiUrl : undefined, context)
      return { ...prepared, ...(book && { flows: book.flows(asOf) }) }
    },
  })
}

/** The coins that are named, else all there are. */
function traded(prepared: PreparedMarkets, { coins }: PaperSettings): PreparedMarkets {
  return coins === undefined ? prepared : { ...prepared, markets: evaluatedMarkets(prepared) }
}
