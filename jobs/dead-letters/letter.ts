import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ModelError } from '#data/errors.ts'
import { FLEET_QUEUES, type FleetQueue } from '../fleet-queues.ts'
import type { InferJob, InferResult } from '../queues.ts'
import { redact } from '../secrets.ts'

/** A job that failed for good, with all that is needed to look into it and to put it back. */
export const letterSchema = z.object({
  /** Where it failed. */
  queue: z.enum(FLEET_QUEUES),
  /** Name of the job: of the step, where it is one. */
  name: z.string(),
  /** Its id on that queue. */
  job: z.string(),
  /** What it was told, as it was. */
  payload: z.json(),
  /** Why it failed (as in `failures.ts`), without secrets. */
  cause: z.string(),
  /** How often it was tried, or lost its worker. */
  attempts: z.int(),
  /** UTC milliseconds. */
  failedAt: z.int(),
  /** The round or retraining that it was part of; null where its payload names none. */
  flow: z.string().nullable(),
  /** Set by the latest replay. */
  replayed: z.object({ at: z.int(), job: z.string(), times: z.int() }).optional(),
})
export type Letter = z.infer<typeof letterSchema>

/** A letter in the store. */
export interface KeptLetter extends Letter {
  readonly id: string
}

/** The parts of a BullMQ job that a letter is made from. */
export interface FailedJob {
  readonly id?: string
  readonly name: string
  readonly data: unknown
  readonly failedReason: string
  readonly attemptsMade: number
  readonly stalledCounter?: number
  readonly finishedOn?: number
}

/** BullMQ takes neither `:` nor a bare number for an id. */
function hashed(queue: FleetQueue, parts: readonly (string | number)[]): string {
  return `${queue}-${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)}`
}

/** Id of the letter about one failure of one job: however often it is made, it is one letter. */
export function letterId({ queue, job, failedAt }: Pick<Letter, 'queue' | 'job' | 'failedAt'>): string {
  return hashed(queue, [queue, job, failedAt])
}

/** The letter about a job that failed for good. */
export function letterOf(queue: FleetQueue, job: FailedJob): Letter {
  return {
    queue,
    name: job.name,
    job: job.id ?? '',
    payload: job.data as Letter['payload'],
    cause: redact(job.failedReason),
    // A job that took its workers with it was never failed by one of them.
    attempts: Math.max(job.attemptsMade, job.stalledCounter ?? 0),
    failedAt: job.finishedOn ?? 0,
    flow: flowOf(job.data),
  }
}

/**
 * Letters about the coins that an `infer` job left out, each with a job of that coin alone as its payload: give them to
 * {@link putLetters}. The same result gives the same letters, whenever it is gathered.
 *
 * @param at UTC milliseconds of the result
 * @throws {ModelError} where the result tells of a coin that was not in the job
 */
export function poisonLetters(
  result: Pick<InferResult, 'poisoned'>,
  job: { readonly id: string; readonly data: InferJob },
  at: number,
): KeptLetter[] {
  return result.poisoned.map(({ coin, reason }) => {
    const batch = job.data.batch.filter((item) => item.coin === coin)
    if (batch.length === 0) throw new ModelError(`job ${job.id} tells of ${coin}, which was not in it`, { coin })
    const payload: InferJob = { ...job.data, batch }
    return {
      id: hashed('infer', ['infer', job.id, coin]),
      queue: 'infer',
      name: 'infer',
      job: job.id,
      payload: payload as unknown as Letter['payload'],
      cause: redact(reason),
      attempts: 1,
      failedAt: at,
      flow: flowOf(job.data),
    }
  })
}

function flowOf(payload: unknown): string | null {
  const { flow, round } = (payload ?? {}) as { flow?: unknown; round?: unknown }
  return typeof flow === 'string' ? flow : typeof round === 'string' ? round : null
}
