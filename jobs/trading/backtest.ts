import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ceilToHour, HOUR, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { SERVED_KINDS } from '#models/regime.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import { feeRates } from '#src/paper/fees.ts'
import { runVariants } from '#src/wheel.ts'
import type { WheelResult } from '#src/wheel-result.ts'
import { evaluatedMarkets, type PreparedMarkets, prepareMarkets } from '#training/prepare.ts'
import { championEstimates, noEstimates } from '../backtest/champion-estimates.ts'
import type { BacktestReportData } from '../backtest/data.ts'
import { type BacktestEstimates, walkForwardEstimates } from '../backtest/estimates.ts'
import { gatherBacktest } from '../backtest/gather.ts'
import { variantsOf } from '../backtest/layers.ts'
import { writeBacktestReport } from '../backtest/report/report.ts'
import { datasetRequest, withRemarks } from '../pipeline/dataset.ts'
import { isoRange } from '../pipeline/evaluate.ts'
import type { RunContext, RunSettings } from '../pipeline/settings.ts'
import { type ResolvedSource, resolveSource } from '../pipeline/source.ts'
import { createStopwatch } from '../pipeline/stopwatch.ts'
import { chosenVersions } from '../pipeline/versions.ts'
import { TOLD, type ToldByPaper, toldByPaper } from './backtest-of-paper.ts'
import { backtestLedger, findLedger, paperLedger } from './ledgers.ts'
import type { BacktestOptions } from './options.ts'

export interface BacktestSettings extends RunSettings {
  readonly backtest: BacktestOptions
}

const DAY = 24 * HOUR
/** What a remote source is asked for unless told otherwise, before the warm-up. */
const REMOTE_DAYS = 30
/** A short history does not give more than this share of itself to the warm-up. */
const LARGEST_WARM_UP_SHARE = 1 / 2

/** Bars and features of the whole universe, the coins to trade, and the hours to decide upon. */
export interface BacktestData {
  readonly source: ResolvedSource
  readonly prepared: PreparedMarkets
  readonly range: TimeRange
}

/**
 * Loads what a backtest needs. Traded are the coins that are named, else all there are; decided is from `--from` on, or
 * from where `warmUpDays` lie before, and all history before it is loaded: models are fitted on it.
 */
export async function loadBacktestData(settings: BacktestSettings, context: RunContext): Promise<BacktestData> {
  const source = await resolveSource(settings.source, context)
  const { warmUpDays } = settings.backtest
  const remote = source.spec.source !== 'csv' && source.spec.source !== 'simulated'
  const end = settings.to ?? context.now()
  const before = remote ? (settings.from ?? end - REMOTE_DAYS * DAY) - warmUpDays * DAY : undefined
  const { testFrom: _, ...rest } = settings
  const request = datasetRequest(
    { ...rest, pool: settings.pool ?? (remote ? undefined : 'all'), from: before },
    source,
    context.now(),
  )
  const loaded = await withRemarks(prepareMarkets, request, context)
  const coins = settings.coins === undefined ? loaded.markets.map(({ bars }) => bars.coin) : loaded.coins
  const prepared = { ...loaded, coins }
  const first = ceilToHour(prepared.range.from)
  const affordable = Math.floor((LARGEST_WARM_UP_SHARE * (prepared.range.to - first)) / HOUR) * HOUR
  const from = settings.from ?? first + Math.min(warmUpDays * DAY, affordable)
  if (!(from < prepared.range.to)) {
    const words = (time: number) => new Date(time).toISOString()
    throw new InputError(`nothing to test from ${words(from)}: the data end at ${words(prepared.range.to)}`, { from })
  }
  return { source, prepared, range: { from: ceilToHour(from), to: ceilToHour(prepared.range.to) } }
}

/** Regime estimates of the hours to decide upon, as the settings want them. */
export async function backtestEstimates(
  settings: BacktestSettings,
  { prepared, range }: BacktestData,
  context: RunContext,
): Promise<BacktestEstimates> {
  const { regimes, model, refitDays } = settings.backtest
  const { progress, signal, logger } = context
  if (regimes === 'none') return noEstimates()
  if (regimes === 'versions') {
    const ids = await chosenVersions(settings, context)
    const kind = SERVED_KINDS.find((candidate) => ids[candidate] !== undefined)
    if (kind === undefined)
      throw new InputError('the registry has no such version: train first, or --regimes walk-forward')
    const version = { kind, id: ids[kind]! }
    return championEstimates(
      prepared,
      { range, models: settings.paths.models, version, origin: prepared.origin },
      { progress, signal },
    )
  }
  const options = { kind: model, range, everyDays: refitDays, training: settings.training, seed: settings.seed }
  const cache = join(settings.paths.state, 'estimates')
  return walkForwardEstimates(prepared, options, cache, { progress, signal, onRemark: (words) => logger.warn(words) })
}

/** What `backtest` answers; money in dollars. */
export interface BacktestSummary {
  readonly source: string
  readonly coins: readonly string[]
  readonly range: { readonly from: string; readonly to: string }
  /** How the regime estimates were made. */
  readonly regimes: string
  readonly degradations: readonly string[]
  readonly decisions: number
  readonly trades: number
  readonly equityChange: number
  readonly split: BacktestReportData['split']['total']
  /** The same, exact: equityChange = realised + unrealised + funding - fees. */
  readonly micro: WheelResult['micro']
  readonly figures: BacktestReportData['figures']
  readonly baselines: readonly BacktestLine[]
  readonly layers: readonly BacktestLine[]
  readonly rejections: WheelResult['rejections']
  readonly incidents: BacktestReportData['incidents']
  readonly ledger: string
  readonly report: { readonly html: string; readonly json: string }
  readonly seconds: Record<string, number>
}

/** A run beside the run, and what the run was worth against it; dollars. */
export interface BacktestLine {
  readonly name: string
  readonly equityChange: number | null
  readonly worth: { readonly estimate: number; readonly low: number; readonly high: number } | null
  /** Why there is none. */
  readonly unavailable?: string
}

/**
 * The `backtest` command: the engine of paper trading over history, its baselines, the same run without each layer, a
 * ledger that `why` and `integrity` can be asked about, and a report.
 *
 * @throws {InputError} where data, range or name are not usable
 * @throws {MillraceError} `fail-closed` where the account does not add up
 */
export async function backtestCommand(wanted: BacktestSettings, context: RunContext): Promise<BacktestSummary> {
  const told = wanted.backtest.ofPaper ? await readPaper(wanted.paths.state) : undefined
  const settings = told === undefined ? wanted : { ...wanted, ...told.range, wheel: told.options }
  const { paths, wheel, backtest, seed } = settings
  const watch = createStopwatch()
  const name = backtest.name ?? stamp(context.now())
  const ledger = backtestLedger(paths.state, name)
  if (existsSync(ledger)) throw new InputError(`there is a backtest ${name} already: give another --name`, { ledger })
  const data = await watch.time('data', () => loadBacktestData(settings, context))
  const { source, prepared, range } = data
  const estimates: BacktestEstimates =
    told === undefined
      ? await watch.time('regimes', () => backtestEstimates(settings, data, context))
      : { estimates: told.estimates, words: TOLD, degradations: [] }
  for (const words of estimates.degradations) context.logger.warn(words)
  const bars = evaluatedMarkets(prepared).map((market) => market.bars)
  const variants = backtest.layers && told === undefined ? variantsOf(wheel) : []

  await mkdir(dirname(ledger), { recursive: true })
  const store = openSqliteLedger(ledger, { durable: false })
  try {
    const { results } = await watch.time('wheel', () =>
      runVariants(
        {
          bars,
          estimates: estimates.estimates,
          model: estimates.words,
          range,
          options: wheel,
          instruments: prepared.instruments,
          store,
          keepStories: true,
          leaveOpen: told !== undefined,
          progress: context.progress,
          signal: context.signal,
        },
        variants,
      ),
    )
    const [result, ...others] = results
    const generatedAt = context.now()
    const report = await watch.time('report', async () => {
      const page = gatherBacktest({
        generatedAt,
        source: source.spec.source,
        origin: prepared.origin,
        range,
        seed,
        options: wheel,
        bars,
        estimates,
        result,
        variants: variants.map(({ name, words }, i) => ({ name, words, result: others[i] })),
        takerRate: feeRates(wheel.exchange.volume14d, wheel.exchange.makerShare).taker,
        ...(backtest.trials > 1 && { trials: { count: backtest.trials } }),
        random: createRandom(seed).fork('backtest'),
      })
      return { page, files: await writeBacktestReport(page, join(paths.reports, `backtest-${stamp(generatedAt)}`)) }
    })
    const { page, files } = report
    return {
      source: source.spec.source,
      coins: page.coins,
      range: isoRange(range),
      regimes: estimates.words,
      degradations: estimates.degradations,
      decisions: result.decisions,
      trades: result.trades,
      equityChange: result.equityChange,
      split: page.split.total,
      micro: result.micro,
      figures: page.figures,
      baselines: page.baselines.map(lineOf),
      layers: page.layers.map(lineOf),
      rejections: result.rejections,
      incidents: page.incidents,
      ledger: resolve(ledger),
      report: { html: resolve(files.html), json: resolve(files.json) },
      seconds: watch.seconds(),
    }
  } finally {
    store.close()
  }
}

/** What paper trading was run with and told. */
async function readPaper(state: string): Promise<ToldByPaper> {
  const store = openSqliteLedger(await findLedger(state, paperLedger(state)), { readOnly: true })
  try {
    return toldByPaper(store)
  } finally {
    store.close()
  }
}

function lineOf(run: BacktestReportData['baselines'][number] | BacktestReportData['layers'][number]): BacktestLine {
  if ('unavailable' in run) return { name: run.name, equityChange: null, worth: null, unavailable: run.unavailable }
  const { opening, value } = run.equity
  return { name: run.name, equityChange: value[value.length - 1] - opening, worth: run.worth.dollars }
}

function stamp(time: number): string {
  return new Date(time).toISOString().slice(0, 19).replaceAll(':', '-')
}
