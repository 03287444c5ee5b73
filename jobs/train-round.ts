import { randomUUID } from 'node:crypto'
import type { Progress } from '#data/progress.ts'
import type { Broker } from './broker.ts'
import type { TrainJob } from './queues.ts'
import { identified, runRound } from './round.ts'
import type { Outcome } from './tally.ts'

export interface TrainRoundOptions<Request extends object> {
  readonly broker: Broker
  /** What the trainer is asked, one job each; must be JSON. */
  readonly requests: readonly Request[]
  /** Name of the round: the same round asked twice is the same jobs. Default: a new one. */
  readonly round?: string
  /** Called with what the training of request `index` reports. */
  readonly progress?: (progress: Progress, index: number) => void
  readonly signal?: AbortSignal
  /** Milliseconds without any progress after which the round is given up, default 900,000. */
  readonly timeout?: number
}

const DEFAULT_TIMEOUT = 900_000

/**
 * Has the fleet train what `requests` ask for, as many at a time as there are workers.
 *
 * One that fails does not stop the others.
 *
 * @returns how each ended, in the order of `requests`
 * @throws {UnavailableError} when nothing is heard for `timeout`
 */
export async function trainRound<Request extends object, Result>(
  options: TrainRoundOptions<Request>,
): Promise<readonly Outcome<Result>[]> {
  const round = options.round ?? randomUUID()
  const jobs = options.requests.map((request) => identified({ round, request: request as TrainJob['request'] }))
  return runRound({
    broker: options.broker,
    queue: 'train',
    jobs,
    // The trainer's own result, made by our own code in the worker; whoever asked knows its type.
    parse: (value) => value as Result,
    onProgress: (index, progress) => options.progress?.(progress as Progress, index),
    signal: options.signal,
    patience: options.timeout ?? DEFAULT_TIMEOUT,
  })
}
