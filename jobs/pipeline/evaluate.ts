import { join, resolve } from 'node:path'
import { InputError } from '#data/errors.ts'
import { buildWindows } from '#data/windows.ts'
import { LOGISTIC_KNOTS, logisticRegimeModel } from '#models/logistic.ts'
import type { RegimeModel, ServedKind } from '#models/regime.ts'
import { applyRule, fitRuleConfidence, ruleModel } from '#models/rule.ts'
import { selectSamples, usefulStride } from '#training/dataset.ts'
import { evaluateModels } from '#training/evaluate-models.ts'
import type { Evaluation } from '#training/evaluation.ts'
import { fitLogistic } from '#training/logistic.ts'
import type { TrainingOptions } from '#training/options.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { writeEvaluationReport } from '#training/report/evaluation/report.ts'
import { championName, type Verdict, verdict } from '#training/verdict.ts'
import type { EvaluationOptions } from '#training/walk-forward/options.ts'
import type { WalkForward } from '#training/walk-forward/result.ts'
import { walkForward } from '#training/walk-forward/walk-forward.ts'
import { type DatasetSummary, datasetRequest, loadDataset, summariseDataset } from './dataset.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { type ResolvedSource, resolveSource } from './source.ts'
import { createStopwatch } from './stopwatch.ts'
import { mustBeUnseen } from './unseen.ts'
import { keepVerdict } from './verdicts.ts'
import { chosenVersions, type VersionIds, withVersions } from './versions.ts'

/** Fits the baselines: the hand rule's hit rates and the linear model, on the same training fold as the rest. */
function fitBaselines(dataset: PreparedDataset, settings: CompareSettings, context: RunContext): RegimeModel[] {
  // As many hours as the neural CDE learns from: the comparison is to be fair.
  const knots = Math.max(settings.training.knots, LOGISTIC_KNOTS)
  const stride = usefulStride(selectSamples(dataset, 'train', { knots }).ends.length, settings.training.stride)
  context.progress({ stage: 'baselines', done: 0, total: 2, note: 'linear' })
  const train = selectSamples(dataset, 'train', { knots, stride })
  const linear = logisticRegimeModel(fitLogistic(train))
  context.progress({ stage: 'baselines', done: 1, total: 2, note: 'rule' })
  const rule = ruleModel([1, 1, 1])
  const answers = applyRule(buildWindows(train.ends, rule.knots, rule.channels))
  context.progress({ stage: 'baselines', done: 2, total: 2 })
  return [ruleModel(fitRuleConfidence(answers, train.labels)), linear]
}

/** What decides how models are compared. */
export type CompareSettings = Pick<RunSettings, 'paths' | 'training' | 'seed'>

/**
 * Compares checkpoints, hand rule and linear model on the test period.
 *
 * @param champions versions that the checkpoints are to follow, compared with them under `championName`
 */
export async function compareModels(
  settings: CompareSettings,
  source: ResolvedSource,
  dataset: PreparedDataset,
  ids: VersionIds,
  context: RunContext,
  champions: VersionIds = {},
): Promise<Evaluation> {
  const { models } = settings.paths
  const baselines = fitBaselines(dataset, settings, context)
  return withVersions(models, ids, (checkpoints) =>
    withVersions(models, champions, (standing) => {
      const named = standing.map((model) => ({ ...model, name: championName(model.name as ServedKind) }))
      return evaluateModels(dataset, [...checkpoints, ...baselines, ...named], source.spec, {
        progress: context.progress,
        seed: settings.seed,
      })
    }),
  )
}

/** What `evaluate` answers: one document with everything that was measured. */
export interface EvaluateSummary {
  readonly source: string
  readonly coins: readonly string[]
  /** Coins trained on. */
  readonly pool: readonly string[]
  readonly range: { readonly from: string; readonly to: string }
  /** Where the test block of the last fold begins. */
  readonly testFrom: string
  readonly seed: number
  readonly dataset: Pick<DatasetSummary, 'bars' | 'windows' | 'classShare'> & {
    readonly hash: string
    readonly notices: number
  }
  readonly settings: { readonly evaluation: EvaluationOptions; readonly training: TrainingOptions }
  readonly verdict: WalkForward['verdict']
  readonly aims?: WalkForward['aims']
  readonly walkForward: WalkForwardSummary
  readonly champions: ChampionsSummary
  readonly report: { readonly html: string; readonly json: string }
  /** Seconds of each stage. */
  readonly seconds: Record<string, number>
}

/** A walk-forward with its times as texts; verdict and aims stand above it. */
export type WalkForwardSummary = Omit<WalkForward, 'folds' | 'verdict' | 'aims'> & {
  readonly folds: readonly (Omit<WalkForward['folds'][number], 'train' | 'validation' | 'test'> &
    Record<'train' | 'validation' | 'test', { readonly from: string; readonly to: string }>)[]
}

/** The versions of the registry on the test period, if there are any that have not seen it. */
export interface ChampionsSummary {
  readonly versions: VersionIds
  readonly evaluation?: Evaluation
  readonly verdict?: Verdict
  /** Why they were not scored. */
  readonly remark?: string
}

/**
 * The `evaluate` command: every kind of model trained and tested walk-forward, and the versions of the registry on the
 * test period besides. No fleet is started and nothing is registered; a verdict on versions of the registry is kept
 * there.
 *
 * @throws {InputError} where the data leave no room for a fold
 */
export async function evaluateCommand(settings: RunSettings, context: RunContext): Promise<EvaluateSummary> {
  const { logger, progress, signal } = context
  const { training, evaluation, seed, testFrom, paths } = settings
  const watch = createStopwatch()
  const source = await watch.time('source', () => resolveSource(settings.source, context))
  const dataset = await watch.time('data', () => loadDataset(datasetRequest(settings, source, context.now()), context))
  const champions = await watch.time('champions', () => judgeVersions(settings, source, dataset, context))
  const result = await watch.time('walk-forward', () =>
    walkForward(
      dataset,
      { training, evaluation, seed, testFrom, cache: join(paths.state, 'evaluations') },
      { progress, signal, onRemark: (message) => logger.warn(message) },
    ),
  )

  progress({ stage: 'report', done: 0, total: 1 })
  const generatedAt = context.now()
  const directory = join(paths.reports, new Date(generatedAt).toISOString().replaceAll(/[:.]/g, '-'))
  const pool = dataset.markets.map((market) => market.bars.coin)
  const about = { source: source.spec.source, coins: dataset.coins, pool, seed }
  const report = await watch.time('report', () =>
    writeEvaluationReport(
      { ...about, generatedAt, origin: dataset.origin, range: dataset.range, walkForward: result },
      directory,
    ),
  )
  progress({ stage: 'report', done: 1, total: 1, note: report.html })
  const { bars, windows, classShare } = summariseDataset(dataset, training.knots)
  const { folds, verdict: walkForwardVerdict, aims, ...rest } = result
  return {
    ...about,
    range: isoRange(dataset.range),
    testFrom: new Date(folds[folds.length - 1].test.from).toISOString(),
    dataset: { bars, windows, classShare, hash: dataset.hash, notices: dataset.notices.length },
    settings: { evaluation, training },
    verdict: walkForwardVerdict,
    ...(aims && { aims }),
    walkForward: {
      ...rest,
      folds: folds.map(({ train, validation, test, ...fold }) => ({
        ...fold,
        train: isoRange(train),
        validation: isoRange(validation),
        test: isoRange(test),
      })),
    },
    champions,
    report: { html: resolve(report.html), json: resolve(report.json) },
    seconds: watch.seconds(),
  }
}

/** Scores the versions chosen on the test period of the data set, unless they have seen some of it. */
async function judgeVersions(
  settings: RunSettings,
  source: ResolvedSource,
  dataset: PreparedDataset,
  context: RunContext,
): Promise<ChampionsSummary> {
  const versions = await chosenVersions(settings, context)
  if (Object.keys(versions).length === 0) return { versions, remark: 'the registry has none' }
  try {
    await mustBeUnseen(settings.paths.models, versions, { origin: dataset.origin, from: dataset.split.test.from })
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    context.logger.warn(error.message)
    return { versions, remark: error.message }
  }
  const evaluation = await compareModels(settings, source, dataset, versions, context)
  const read = verdict(evaluation)
  await keepVerdict(settings, dataset, versions, evaluation, read, context)
  return { versions, evaluation, verdict: read }
}

/** A range of times as ISO texts. */
export function isoRange({ from, to }: { readonly from: number; readonly to: number }): { from: string; to: string } {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
}
