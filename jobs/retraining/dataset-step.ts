import { loadHistory } from '#training/history.ts'
import { publishDataset } from '../datasets.ts'
import type { RetrainingDeps } from './deps.ts'
import type { StepResults } from './progress.ts'

/**
 * The step `dataset`: writes down what the models are made from, and puts it where the machines that train can get it.
 *
 * @throws {InputError} where there are no bars in the range
 * @throws {UnavailableError} where the store does not answer
 */
export async function datasetStep(
  deps: RetrainingDeps,
  { dataset }: StepResults['refresh'],
  signal?: AbortSignal,
): Promise<StepResults['dataset']> {
  // What the step before has brought, and not what the venue would say a moment later.
  const stored = 'it was asked for this retraining already'
  const history = await loadHistory(dataset, { now: deps.now, signal, budget: deps.budget, stored })
  const { bars, hash, origin } = history
  const source = deps.store ? await publishDataset(deps.store, history, signal) : dataset.source
  return {
    dataset: { ...dataset, source },
    hash,
    origin,
    coins: bars.map(({ coin }) => coin),
    hours: {
      from: Math.min(...bars.map(({ openTime }) => openTime[0])),
      to: Math.max(...bars.map(({ openTime }) => openTime[openTime.length - 1])),
      bars: bars.reduce((sum, { openTime }) => sum + openTime.length, 0),
    },
  }
}
