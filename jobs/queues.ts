import { createHash } from 'node:crypto'
import type { JobsOptions } from 'bullmq'
import { z } from 'zod'
import { InputError } from '#data/errors.ts'
import { SERVED_KINDS } from '#models/regime.ts'

/** The queues and what each takes; a worker serves one or more of them. */
export const QUEUES = ['infer', 'train'] as const
export type QueueName = (typeof QUEUES)[number]

const name = z.string().min(1).max(64)

/** Set by whoever no longer wants the result. */
const cancelled = z.boolean().optional()

/** A stretch of one coin's feature table; numbers as in `encoding.ts`. */
const inferItem = z.strictObject({
  coin: name,
  /** Names of the columns of `rows`. */
  channels: z.array(name).min(1).max(64),
  /** Float32 `[rows, channels]`, unscaled, NaN where missing. */
  rows: z.string(),
  /** Float64 `[rows]`, UTC milliseconds. */
  asOf: z.string(),
  /** Float64 `[rows]`, NaN while unknown. */
  sigma: z.string(),
  /** Index of the first row to estimate; the rows before it are history. */
  first: z.int().min(0),
  /** Rows of the table that were left off before this stretch. */
  omitted: z.int().min(0),
})

/** Whole in itself: a worker needs this, the broker and the model store. */
export const inferJobSchema = z.strictObject({
  /** Names the round: the same work in the same round is one job (see {@link jobId}). */
  round: name,
  batch: z.array(inferItem).min(1),
  /** Serve this kind of model and no other. */
  only: z.enum(SERVED_KINDS).optional(),
  /** Serve these versions, the first that is usable, and no champion. */
  pinned: z
    .array(z.strictObject({ kind: z.enum(SERVED_KINDS), id: name }))
    .min(1)
    .optional(),
  cancelled,
})
export type InferJob = z.infer<typeof inferJobSchema>
export type InferItem = z.infer<typeof inferItem>

export const inferResultSchema = z.strictObject({
  estimates: z.array(
    z.strictObject({
      coin: name,
      /** Float64 `[n]`, ascending. */
      asOf: z.string(),
      /** Float32 `[n, 3]`. */
      probabilities: z.string(),
    }),
  ),
  /** The registry id is absent where nothing serves. */
  servedBy: z.strictObject({ kind: z.enum([...SERVED_KINDS, 'none']), id: z.string().optional() }),
  /** Why it is not the champion CDE that served; empty when it is. */
  degradations: z.array(z.string()),
  /** `pid@host` */
  worker: z.string(),
  /** Time spent estimating. */
  seconds: z.number(),
  windows: z.int().min(0),
})
export type InferResult = z.infer<typeof inferResultSchema>

/** What the trainer is asked, as JSON; the trainer itself checks what is in it. */
export const trainJobSchema = z.strictObject({
  round: name,
  request: z.record(z.string(), z.json()),
  cancelled,
})
export type TrainJob = z.infer<typeof trainJobSchema>

/**
 * Checks a payload at the worker's door.
 *
 * @throws {InputError} naming the first field that is wrong
 */
export function checkPayload<T>(schema: z.ZodType<T>, queue: QueueName, payload: unknown): T {
  const checked = schema.safeParse(payload)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  const field = issue.path.join('.') || 'payload'
  throw new InputError(`${queue} job: ${field}: ${issue.message}`, { queue, field })
}

/** Identity of a job by its content: adding the same work to the same round again changes nothing. */
export function jobId(payload: InferJob | TrainJob): string {
  return createHash('sha256').update(JSON.stringify(payload)).digest('hex').slice(0, 32)
}

/** Attempts count only for errors that another try may mend; all others end at once (see `failures.ts`). */
const JOB_OPTIONS: Record<QueueName, JobsOptions> = {
  infer: { attempts: 4, backoff: { type: 'exponential', delay: 200, jitter: 0.5 } },
  train: { attempts: 3, backoff: { type: 'exponential', delay: 5_000, jitter: 0.5 } },
}

const MINUTE = 60_000
const WEEK = 7 * 24 * 60 * MINUTE

/**
 * How long jobs that have ended are kept, milliseconds. Whoever asked has the result from the event; the rest is
 * for those who lost the event, and failures for those who look into them.
 */
export const KEPT: Record<QueueName, { readonly completed: number; readonly failed: number }> = {
  infer: { completed: MINUTE, failed: WEEK },
  train: { completed: WEEK, failed: WEEK },
}

/** Options of a job of `queue` with the identity of its content. */
export function jobOptions(queue: QueueName, payload: InferJob | TrainJob): JobsOptions {
  // Old jobs are cleared by those who ask (`round.ts`): workers that each clear while they finish a job have
  // run into deadlocks on PostgreSQL, and then did the job again.
  return { ...JOB_OPTIONS[queue], jobId: jobId(payload), removeOnComplete: false, removeOnFail: false }
}
