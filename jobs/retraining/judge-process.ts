import type { DatasetRequest } from '#training/history.ts'
import type { TrainingContext } from '#training/train.ts'
import { loadDataset } from '../pipeline/dataset.ts'
import { type CompareSettings, compareModels } from '../pipeline/evaluate.ts'
import type { RunSettings } from '../pipeline/settings.ts'
import type { ResolvedSource } from '../pipeline/source.ts'
import type { VersionIds } from '../pipeline/versions.ts'
import { type Compare, judgeChallengers } from './judge.ts'

/** What is to be judged: plain JSON, made by `evaluate-step.ts`. */
export interface JudgeRequest {
  readonly settings: CompareSettings & Pick<RunSettings, 'maxAgeDays'>
  readonly source: ResolvedSource
  readonly dataset: DatasetRequest
  readonly challengers: VersionIds
  /** UTC milliseconds: the time that the verdict carries. */
  readonly at: number
}

/** Judges in a process of its own, in the place of a training: minutes of arithmetic must not hold up the rounds. */
export async function train(
  request: JudgeRequest,
  { progress, logger, signal, now }: TrainingContext,
): Promise<unknown> {
  const { settings, source, challengers, at } = request
  const dataset = await loadDataset(request.dataset, { progress, logger, signal, now })
  const context = { progress, logger, signal, now: () => at }
  const compare: Compare = (versions, champions) =>
    compareModels(settings, source, dataset, versions, context, champions)
  return judgeChallengers(settings, dataset, challengers, compare, context)
}
