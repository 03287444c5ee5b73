import type { DatasetRequest } from '#training/history.ts'
import type { TrainingContext } from '#training/train.ts'
import { loadDataset } from '../pipeline/dataset.ts'
import type { ResolvedSource } from '../pipeline/source.ts'
import type { VersionIds } from '../pipeline/versions.ts'
import { type JudgeSettings, judgeChallengers } from './judge.ts'

/** What is to be judged: plain JSON, made by `evaluate-step.ts`. */
export interface JudgeRequest {
  readonly settings: JudgeSettings
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
  return judgeChallengers(settings, source, dataset, challengers, { progress, logger, signal, now: () => at })
}
