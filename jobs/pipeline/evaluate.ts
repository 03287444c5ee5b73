import { buildWindows } from '#data/windows.ts'
import { LOGISTIC_KNOTS, logisticRegimeModel } from '#models/logistic.ts'
import type { RegimeModel } from '#models/regime.ts'
import { applyRule, fitRuleConfidence, ruleModel } from '#models/rule.ts'
import { selectSamples, usefulStride } from '#training/dataset.ts'
import { evaluateModels } from '#training/evaluate-models.ts'
import type { Evaluation } from '#training/evaluation.ts'
import { fitLogistic } from '#training/logistic.ts'
import type { PreparedDataset } from '#training/prepare.ts'
import { type Verdict, verdict } from '#training/verdict.ts'
import { datasetRequest, loadDataset, summariseDataset } from './dataset.ts'
import type { RunContext, RunSettings } from './settings.ts'
import { type ResolvedSource, resolveSource } from './source.ts'
import { mustBeUnseen } from './unseen.ts'
import { keepVerdict } from './verdicts.ts'
import { chosenVersions, type VersionIds, withVersions } from './versions.ts'

/** Fits the baselines: the hand rule's hit rates and the linear model, on the same training fold as the rest. */
function fitBaselines(dataset: PreparedDataset, settings: RunSettings, context: RunContext): RegimeModel[] {
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

/** Compares checkpoints, hand rule and linear model on the test period. */
export async function compareModels(
  settings: RunSettings,
  source: ResolvedSource,
  dataset: PreparedDataset,
  ids: VersionIds,
  context: RunContext,
): Promise<Evaluation> {
  const baselines = fitBaselines(dataset, settings, context)
  return withVersions(settings.paths.models, ids, (checkpoints) =>
    evaluateModels(dataset, [...checkpoints, ...baselines], source.spec, {
      progress: context.progress,
      seed: settings.seed,
    }),
  )
}

/** What `evaluate` answers. */
export interface EvaluateSummary {
  readonly source: string
  readonly coins: readonly string[]
  readonly range: { readonly from: string; readonly to: string }
  readonly testFrom: string
  readonly dataset: object
  readonly models: VersionIds
  readonly evaluation: Evaluation
  readonly verdict: Verdict
}

/**
 * The `evaluate` command: the champions against the baselines, without training or fleet.
 *
 * @throws {InputError} where a champion was trained on some of the test period
 */
export async function evaluateCommand(settings: RunSettings, context: RunContext): Promise<EvaluateSummary> {
  const source = await resolveSource(settings.source, context)
  const dataset = await loadDataset(datasetRequest(settings, source, context.now()), context)
  const ids = await chosenVersions(settings, context)
  const { origin, split } = dataset
  await mustBeUnseen(settings.paths.models, ids, { origin, from: split.test.from })
  const evaluation = await compareModels(settings, source, dataset, ids, context)
  const read = verdict(evaluation)
  await keepVerdict(settings, dataset, ids, evaluation, read, context)
  const { bars, windows, classShare } = summariseDataset(dataset, settings.training.knots)
  return {
    source: source.spec.source,
    coins: dataset.coins,
    range: isoRange(dataset.range),
    testFrom: new Date(dataset.split.test.from).toISOString(),
    dataset: { bars, windows, classShare },
    models: ids,
    evaluation,
    verdict: read,
  }
}

/** A range of times as ISO texts. */
export function isoRange({ from, to }: { readonly from: number; readonly to: number }): { from: string; to: string } {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() }
}
