import type { TrainJob } from '../queues.ts'
import { createTrainProcessor } from '../workers/train.ts'
import type { RetrainingDeps } from './deps.ts'
import type { JudgeRequest } from './judge-process.ts'
import type { StepResults } from './progress.ts'

/** What a judgement has to end by itself, milliseconds: it holds nothing that would be lost. */
const GRACE = 100
const MODULE = new URL('./judge-process.ts', import.meta.url).href

/**
 * The step `evaluate`: has the challengers judged on the test period (`judge.ts`), in a process of its own.
 *
 * @param at UTC milliseconds, the same whenever the step is taken again
 * @throws {MillraceError} as the judgement does, or where its process is lost
 */
export async function evaluateStep(
  { settings, logger }: RetrainingDeps,
  id: string,
  { source, dataset }: StepResults['refresh'],
  { challengers }: StepResults['train'],
  at: number,
  signal?: AbortSignal,
): Promise<StepResults['evaluate']> {
  const { paths, training, seed, maxAgeDays } = settings
  const sound = Object.values(challengers).filter(({ flaw }) => flaw === undefined)
  const request: JudgeRequest = {
    settings: { paths, training, seed, maxAgeDays },
    source,
    dataset,
    challengers: Object.fromEntries(sound.map(({ kind, id }) => [kind, id])),
    at,
  }
  const judge = createTrainProcessor({ trainModule: MODULE, logger, grace: GRACE })
  // As it would travel through a queue: what is undefined is gone.
  const data: TrainJob = JSON.parse(JSON.stringify({ round: id, request }))
  const handle = { id, data, updateProgress: async () => {}, refetch: async () => data }
  try {
    return (await judge(handle, signal)) as StepResults['evaluate']
  } catch (error) {
    // The processor wraps errors for the broker; whoever takes this step does that himself.
    throw error instanceof Error && error.cause !== undefined ? error.cause : error
  }
}
