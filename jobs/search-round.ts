import { FatalError, ModelError } from '#data/errors.ts'
import type { Progress } from '#data/progress.ts'
import type { TrialAnswer } from '#training/search/run-study.ts'
import type { Broker } from './broker.ts'
import { trainRound } from './train-round.ts'

export interface TrialRoundOptions<Request extends object> {
  readonly broker: Broker
  /** What a worker is asked; must be JSON. */
  readonly request: Request
  /** Names the run of the search: the same trial asked again in another run is another job. */
  readonly round: string
  readonly progress?: (progress: Progress) => void
  readonly signal?: AbortSignal
}

/**
 * Has a worker of the fleet run one trial. One that diverges or takes its process with it has failed, and says why.
 *
 * @throws {InputError} where the request or the data are wrong: other trials would fail likewise
 * @throws {UnavailableError} when nothing is heard of it
 */
export async function trialRound<Request extends object>(options: TrialRoundOptions<Request>): Promise<TrialAnswer> {
  const { broker, request, round, progress, signal } = options
  const started = performance.now()
  const [outcome] = await trainRound<Request, TrialAnswer>({
    broker,
    requests: [request],
    round,
    progress: (step) => progress?.(step),
    signal,
  })
  if (outcome.ok) return revived(outcome.result)
  const { error } = outcome
  if (!(error instanceof ModelError || error instanceof FatalError)) throw error
  return { state: 'failed', curve: [], reason: error.message, seconds: (performance.now() - started) / 1000 }
}

/** On the way through the broker, which carries JSON, what is no number has become null. */
function revived(answer: TrialAnswer): TrialAnswer {
  return { ...answer, curve: answer.curve.map((value: number | null) => value ?? Number.NaN) }
}
