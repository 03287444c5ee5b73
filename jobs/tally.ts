import { type MillraceError, ModelError } from '#data/errors.ts'
import type { BrokerQueueEvents } from './broker.ts'
import { describeError, fromFailure } from './failures.ts'
import type { QueueName } from './queues.ts'

/** How one job of a round ended. */
export type Outcome<Result> =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly error: MillraceError }

export interface TallyOptions<Result> {
  readonly queue: QueueName
  /** Identity of each job of the round; equal ones are one job. */
  readonly ids: readonly string[]
  /** Turns what came back into a result; may throw. */
  readonly parse: (value: unknown) => Result
  /** Called once for each index whose job ended. */
  readonly onOutcome?: (index: number, outcome: Outcome<Result>, done: number) => void
  /** Called with what a running job reports. */
  readonly onProgress?: (index: number, progress: unknown) => void
}

/** Keeps count of a round's jobs; ids that are not its own, or ended before, are passed over. */
export interface Tally<Result> {
  /** Jobs that have not ended, with the indices they stand for. */
  readonly open: ReadonlyMap<string, readonly number[]>
  readonly outcomes: readonly Outcome<Result>[]
  /** Resolves when no job is open; rejects when a listener of the caller throws. */
  readonly finished: Promise<void>
  /** `Date.now()` of the last event of one of the jobs. */
  lastSign(): number
  completed(id: string, value: unknown): void
  failed(id: string, reason: string): void
  progressed(id: string, progress: unknown): void
}

/** A tally of `options.ids`, all open. */
export function createTally<Result>(options: TallyOptions<Result>): Tally<Result> {
  const { queue, ids } = options
  const open = new Map<string, number[]>()
  for (let i = 0; i < ids.length; i++) open.set(ids[i], [...(open.get(ids[i]) ?? []), i])
  const outcomes = new Array<Outcome<Result>>(ids.length)
  const { promise: finished, resolve, reject } = Promise.withResolvers<void>()
  let lastSign = Date.now()
  let done = 0

  const settle = (id: string, ended: () => Outcome<Result>) => {
    const indices = open.get(id)
    if (!indices) return
    open.delete(id)
    lastSign = Date.now()
    try {
      const outcome = ended()
      for (const index of indices) {
        outcomes[index] = outcome
        done++
        options.onOutcome?.(index, outcome, done)
      }
    } catch (error) {
      reject(error)
    }
    if (open.size === 0) resolve()
  }

  return {
    open,
    outcomes,
    finished,
    lastSign: () => lastSign,
    completed: (id, value) => settle(id, () => parsed(options.parse, value, queue, id)),
    failed: (id, reason) => settle(id, () => ({ ok: false, error: fromFailure(reason, { queue, job: id }) })),
    progressed(id, progress) {
      const indices = open.get(id)
      if (!indices) return
      lastSign = Date.now()
      for (const index of indices) options.onProgress?.(index, progress)
    },
  }
}

/** Reports the queue's events to the tally until the function returned is called. */
export function follow<Result>(events: BrokerQueueEvents, tally: Tally<Result>): () => void {
  const completed = (event: { jobId: string; returnvalue: unknown }) => tally.completed(event.jobId, event.returnvalue)
  const failed = (event: { jobId: string; failedReason: string }) => tally.failed(event.jobId, event.failedReason)
  const progressed = (event: { jobId: string; data: unknown }) => tally.progressed(event.jobId, event.data)
  events.on('completed', completed)
  events.on('failed', failed)
  events.on('progress', progressed)
  return () => {
    events.off('completed', completed)
    events.off('failed', failed)
    events.off('progress', progressed)
  }
}

function parsed<Result>(parse: (value: unknown) => Result, value: unknown, queue: QueueName, id: string) {
  try {
    return { ok: true, result: parse(value) } as const
  } catch (error) {
    // Only a worker of another version answers in another shape.
    const words = `the worker's answer cannot be read (is it of another version?): ${describeError(error)}`
    return { ok: false, error: new ModelError(words, { queue, job: id }, error) } as const
  }
}
