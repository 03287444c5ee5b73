import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { barsKnownAt, HOUR, type TimeRange } from '#data/bars.ts'
import { dataHash } from '#data/data-hash.ts'
import { WARM_UP_HOURS } from '#data/features.ts'
import type { ProgressListener } from '#data/progress.ts'
import { hourText } from '#data/providers/series.ts'
import { selectBackend } from '#models/backend.ts'
import type { EstimateSeries } from '#src/estimates.ts'
import type { Market } from '#training/dataset.ts'
import type { TrainingOptions } from '#training/options.ts'
import { evaluatedMarkets, type PreparedMarkets } from '#training/prepare.ts'
import { readChecked, writeChecked } from '#training/walk-forward/checked-file.ts'
import type { FitData, FitTask } from '#training/walk-forward/fit.ts'
import { codeHash, type FitCache, openFitCache } from '#training/walk-forward/fit-cache.ts'
import { fitOf, runFits } from '#training/walk-forward/fit-pool.ts'
import { asEstimator, type FittedModel } from '#training/walk-forward/fitted-model.ts'
import type { Fold } from '#training/walk-forward/folds.ts'
import { estimateBlocks } from './estimate-blocks.ts'
import { estimateHours, joinSeries } from './model-estimates.ts'

/** Kinds of models that a backtest can be steered by. */
export const ESTIMATE_KINDS = ['cde', 'hmm', 'rule'] as const
export type EstimateKind = (typeof ESTIMATE_KINDS)[number]

/** Regime estimates for a backtest, and how they came about. */
export interface BacktestEstimates {
  /** By coin; a coin without an answer has an empty series. */
  readonly estimates: ReadonlyMap<string, EstimateSeries>
  /** How they were made, for the report: one sentence. */
  readonly words: string
  /** Every step down and every hour without an answer, in sentences. */
  readonly degradations: readonly string[]
}

/** What estimates are made of: every market is learned from, `coins` are answered. */
export type EstimateMarkets = Pick<PreparedMarkets, 'markets' | 'coins' | 'label' | 'range'>

/** @see walkForwardEstimates */
export interface WalkForwardEstimateOptions {
  readonly kind: EstimateKind
  /** asOf of the hours that are wanted, half-open. */
  readonly range: TimeRange
  /** A new model is fitted every so many days. Default 30. */
  readonly everyDays?: number
  /**
   * Days of hours with features that the first model needs. Default 52, which with the warm-up is two months; half of a
   * history that is shorter than twice that.
   */
  readonly historyDays?: number
  readonly training: TrainingOptions
  readonly seed: number
  /** Fits at a time; 0, the default, is one for each core. */
  readonly threads?: number
}

export interface EstimateContext {
  readonly progress?: ProgressListener
  readonly onRemark?: (message: string) => void
  readonly signal?: AbortSignal
}

/** As an evaluation does: no feature of an answered window looks at an hour that a fitted label was made from. */
const EMBARGO_HOURS = WARM_UP_HOURS + 24
/** What takes the place of a model that could not be fitted (design section 9). */
const STEPS: Record<EstimateKind, readonly EstimateKind[]> = { cde: ['cde', 'hmm'], hmm: ['hmm'], rule: ['rule'] }
/** Coins that a sentence names. */
const MOST_NAMED = 8
/** Changes with what the entries mean. */
const CACHE_FORMAT = 1

type CoinSeries = Record<string, EstimateSeries>

/** What the estimates of one block were made by; undefined where no model could be fitted. */
interface BlockAnswer {
  readonly kind: EstimateKind | undefined
  readonly series: CoinSeries
}

/**
 * Honest regime estimates for a long backtest: the range is cut into blocks, and the model that answers a block was
 * fitted to nothing but what lies before it (purge and embargo included). All hours are answered that have a window, and
 * all of `coins`.
 *
 * Where a neural CDE could not be fitted the hidden Markov model answers its block, and where that could not either,
 * nobody does. Fits and answers are kept in `cacheDirectory`, each named by everything that decides it: the same backtest
 * takes no training time again, and one over more days only that of the new blocks.
 *
 * @throws {InputError} where no block begins within the range
 * @throws the signal's reason when it aborts; what was finished is in the cache then
 */
export async function walkForwardEstimates(
  markets: EstimateMarkets,
  options: WalkForwardEstimateOptions,
  cacheDirectory: string | undefined,
  context: EstimateContext = {},
): Promise<BacktestEstimates> {
  const { kind, range, everyDays = 30, historyDays = affordableHistory(markets.range), seed } = options
  const blocks = estimateBlocks(markets.range, range, {
    halfWidth: markets.label.halfWidth,
    everyDays,
    historyDays,
    embargoHours: EMBARGO_HOURS,
  })
  const store = await openStore(markets, options, cacheDirectory, context.onRemark)
  const answers = new Map<Fold, BlockAnswer>()
  for (const block of blocks) {
    const known = await store.read(block)
    if (known !== undefined) answers.set(block, known)
  }
  const missing = blocks.filter((block) => !answers.has(block))
  const models = await fitBlocks(missing, markets, options, cacheDirectory, context)
  if (missing.length > 0) await selectBackend('wasm')
  for (const [done, block] of missing.entries()) {
    context.progress?.({ stage: 'estimates', done, total: missing.length, note: blockWords(block, range) })
    const answer = await answerBlock(models.get(block), markets, within(block, range), context.signal)
    answers.set(block, answer)
    // A block without a model is tried again next time.
    if (answer.kind === kind) await store.write(block, answer)
  }
  context.progress?.({ stage: 'estimates', done: missing.length, total: missing.length })
  const estimates = new Map(
    markets.coins.map((coin) => [coin, joinSeries(blocks.flatMap((block) => answers.get(block)!.series[coin] ?? []))]),
  )
  const words =
    `${NAMES[kind]}, fitted anew every ${everyDays} days to all that lies before its block less an embargo of at most ` +
    `${EMBARGO_HOURS} hours: ${blocks.length} ${blocks.length === 1 ? 'model' : 'models'}, seed ${seed}`
  return { estimates, words, degradations: [...steppedDown(blocks, answers, options), ...unanswered(estimates, range)] }
}

const HISTORY_DAYS = 52

function affordableHistory({ from, to }: TimeRange): number {
  return Math.min(HISTORY_DAYS, Math.floor((to - from) / (2 * 24 * HOUR)))
}

const NAMES: Record<EstimateKind, string> = {
  cde: 'neural CDE (plain field)',
  hmm: 'hidden Markov model',
  rule: 'hand rule',
}

/** The hours of a block that are wanted. */
function within({ test }: Fold, range: TimeRange): TimeRange {
  return { from: test.from, to: Math.min(test.to, range.to) }
}

function blockWords(block: Fold, range: TimeRange): string {
  const { from, to } = within(block, range)
  return `${hourText(from)} to ${hourText(to)}`
}

function steppedDown(
  blocks: readonly Fold[],
  answers: ReadonlyMap<Fold, BlockAnswer>,
  { kind, range }: WalkForwardEstimateOptions,
): string[] {
  const said: string[] = []
  const first = blocks[0].test.from
  if (first > range.from) {
    said.push(`no estimates before ${hourText(first)}: too little lies before it to fit the first model to`)
  }
  for (const block of blocks) {
    const served = answers.get(block)!.kind
    if (served === kind) continue
    const instead = served === undefined ? 'there are no estimates' : `${NAMES[served]} answers instead`
    said.push(`${NAMES[kind]} could not be fitted for ${blockWords(block, range)}: ${instead}`)
  }
  return said
}

/** Which coins have hours without an answer, in one sentence: there the wheel opens nothing. */
export function unanswered(estimates: ReadonlyMap<string, EstimateSeries>, { from, to }: TimeRange): string[] {
  const hours = (to - from) / HOUR
  const short = [...estimates].flatMap(([coin, { asOf }]) =>
    asOf.length < hours ? [{ coin, hours: asOf.length }] : [],
  )
  if (short.length === 0) return []
  const named = short.slice(0, MOST_NAMED).map((one) => `${one.coin} ${one.hours}`)
  const others = short.length > MOST_NAMED ? ` and ${short.length - MOST_NAMED} other coins` : ''
  return [
    `not every one of the ${hours} hours has an estimate (no model, or no whole window): ${named.join(', ')}${others}`,
  ]
}

/** A model for each block: of the kind asked for, or of the next where that failed. */
async function fitBlocks(
  blocks: readonly Fold[],
  { markets, label }: EstimateMarkets,
  { kind, training, seed, threads = 0 }: WalkForwardEstimateOptions,
  directory: string | undefined,
  { progress, onRemark = () => {}, signal }: EstimateContext,
): Promise<Map<Fold, { kind: EstimateKind; model: FittedModel }>> {
  // No coin is tested: nothing of a block, or after it, comes near a fit.
  const data: FitData = { markets, coins: [], label, options: training }
  const cache = directory === undefined ? undefined : await fitCacheOf(blocks, data, directory, onRemark)
  const fitted = new Map<Fold, { kind: EstimateKind; model: FittedModel }>()
  for (const contestant of STEPS[kind]) {
    const tasks = blocks
      .filter((block) => !fitted.has(block))
      .map((fold): FitTask => ({ contestant, fold, seed, target: 'centred' }))
    if (tasks.length === 0) break
    progress?.({ stage: 'fits', done: 0, total: tasks.length, note: NAMES[contestant] })
    const results = await runFits(tasks, {
      data,
      threads,
      signal,
      ...(cache !== undefined && { cache }),
      onDone: (done) => progress?.({ stage: 'fits', done, total: tasks.length, note: NAMES[contestant] }),
    })
    for (const result of results) {
      const fit = fitOf(result)
      if (fit !== undefined) fitted.set(result.task.fold, { kind: contestant, model: fit.model })
      else if ('failure' in result.outcome) {
        onRemark(`${NAMES[contestant]}, block ${result.task.fold.fold}: ${result.outcome.failure}`)
      }
    }
  }
  return fitted
}

/** A cache of fits in which each is named by the bars that it may see: later ones do not make it another. */
async function fitCacheOf(
  blocks: readonly Fold[],
  data: FitData,
  directory: string,
  onUnusable: (message: string) => void,
): Promise<FitCache> {
  const caches = new Map<number, FitCache>()
  for (const { fold, test } of blocks) {
    const known = knownHash(data.markets, test.from)
    caches.set(fold, await openFitCache({ directory, dataHash: known, data, onUnusable }))
  }
  return {
    read: (task) => caches.get(task.fold.fold)!.read(task),
    write: (task, fit) => caches.get(task.fold.fold)!.write(task, fit),
  }
}

/** SHA-256 over the bars known at a time. */
function knownHash(markets: readonly Market[], time: number): string {
  return dataHash(markets.map(({ bars }) => barsKnownAt(bars, time)))
}

async function answerBlock(
  fitted: { readonly kind: EstimateKind; readonly model: FittedModel } | undefined,
  markets: EstimateMarkets,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<BlockAnswer> {
  if (fitted === undefined) return { kind: undefined, series: {} }
  return {
    kind: fitted.kind,
    series: await answerCoins(asEstimator(fitted.kind, fitted.model), markets, range, signal),
  }
}

export async function answerCoins(
  model: Parameters<typeof estimateHours>[0],
  markets: EstimateMarkets,
  range: TimeRange,
  signal?: AbortSignal,
): Promise<CoinSeries> {
  const series: CoinSeries = {}
  for (const market of evaluatedMarkets(markets)) {
    signal?.throwIfAborted()
    series[market.bars.coin] = await estimateHours(model, market, range)
  }
  return series
}

interface EstimateStore {
  read(block: Fold): Promise<BlockAnswer | undefined>
  write(block: Fold, answer: BlockAnswer): Promise<void>
}

/** Answers on disk, named by everything that decides them: code, settings, block, and the bars known at its end. */
async function openStore(
  { markets, coins, label }: EstimateMarkets,
  { kind, range, training, seed }: WalkForwardEstimateOptions,
  directory: string | undefined,
  onUnusable: (message: string) => void = () => {},
): Promise<EstimateStore> {
  if (directory === undefined) return { read: async () => undefined, write: async () => {} }
  const code = await codeHash()
  const pathOf = (block: Fold) => {
    const hours = within(block, range)
    const bars = knownHash(markets, hours.to)
    const pool = markets.map((market) => market.bars.coin)
    const key = { format: CACHE_FORMAT, code, bars, pool, coins, label, training, kind, seed, block, hours }
    const name = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 40)
    return join(directory, `${name}.estimates`)
  }
  return {
    async read(block) {
      const path = pathOf(block)
      const damaged = () => onUnusable(`${path} is damaged and not used: its block is answered again`)
      return (await readChecked(path, damaged)) as BlockAnswer | undefined
    },
    write: (block, answer) => writeChecked(pathOf(block), answer, 'finished estimates'),
  }
}
