import { hash as digest } from 'node:crypto'
import type { JobsOptions } from 'bullmq'
import { z } from 'zod'
import { InputError } from '#data/errors.ts'
import { SERVED_KINDS } from '#models/regime.ts'
import type { FleetQueue } from './fleet-queues.ts'

/** The queues that any worker serves, and what each takes; those of a fleet's home are in `fleet-queues.ts`. */
export const QUEUES = ['infer', 'train'] as const
export type QueueName = (typeof QUEUES)[number]

const name = z.string().min(1).max(64)

/** SHA-256, hexadecimal. */
const hash = z.string().regex(/^[0-9a-f]{64}$/)

/** Set by whoever no longer wants the result. */
const cancelled = z.boolean().optional()

const row = z.int().min(0)

/** A stretch of one coin's feature table, made and read in `stretch.ts`; numbers as in `encoding.ts`. */
const inferItem = z.strictObject({
  coin: name,
  /** Names of the columns of `rows`. */
  channels: z.array(name).min(1).max(64),
  /** Float32 `[rows, channels]`, unscaled, NaN where missing. */
  rows: z.string(),
  /** When the first row is known, UTC milliseconds; each later one is an hour after the one before it. */
  from: z.int().optional(),
  /** Hours that are missing before a row: `[row, hours]`, one for each gap. Sound or not, that is the coin's own affair. */
  missing: z.array(z.tuple([row, z.number()])).optional(),
  /** Rows without volatility, whose windows are still warming up: `[first, end)` each. */
  unknown: z.array(z.tuple([row, row])).optional(),
  /** As homes up to version 0.1 say the two: Float64 `[rows]`, UTC milliseconds, and Float64 `[rows]`, NaN while unknown. */
  asOf: z.string().optional(),
  sigma: z.string().optional(),
  /** Index of the first row to estimate; the rows before it are history. */
  first: z.int().min(0),
  /** Rows of the table that were left off before this stretch. */
  omitted: z.int().min(0),
  /** Of the bars that the rows were made from; comes back with the estimates. */
  barsHash: hash.optional(),
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
  /** The round of a schedule that this is part of, and its full hour; both come back with the result. */
  flow: name.optional(),
  asOf: z.int().optional(),
  /** Say what went into each coin's last estimate (`features-hash.ts`). */
  lineage: z.boolean().optional(),
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
      /** As in the job. */
      barsHash: hash.optional(),
      /** Of the window behind the last estimate, where the job asked for it and there is one. */
      featuresHash: hash.optional(),
    }),
  ),
  /** Coins that would have cost the others their estimates, each with what it did (as in `failures.ts`). */
  poisoned: z.array(z.strictObject({ coin: name, reason: z.string() })).default([]),
  flow: name.optional(),
  asOf: z.int().optional(),
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
  return digest('sha256', JSON.stringify(payload), 'hex').slice(0, 32)
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE
const WEEK = 7 * DAY

/** How often a job is tried, how long between two tries, and how long one that has ended is kept, milliseconds. */
interface QueuePolicy {
  readonly attempts: number
  /** Before the second attempt, doubled before each one after it. */
  readonly pause: number
  readonly keepCompleted: number
  readonly keepFailed: number
}

/**
 * Attempts count only for errors that another try may mend; all others end at once (see `failures.ts`).
 *
 * Whoever asked has a result from its event: completed jobs are kept for those who lost it, and for those who look what
 * the fleet did. Failed ones become letters (`dead-letters/`), and stay a week for whoever looks into the queue itself.
 */
const POLICIES: Readonly<Record<FleetQueue, QueuePolicy>> = {
  // A tick only adds the flow of its round: what keeps it from doing so is the broker, which is soon back.
  hourly: { attempts: 5, pause: SECOND, keepCompleted: WEEK, keepFailed: WEEK },
  daily: { attempts: 5, pause: SECOND, keepCompleted: WEEK, keepFailed: WEEK },
  // Half a minute in all: an exchange or a disk that stumbles, and a round that must end within its hour.
  round: { attempts: 5, pause: SECOND, keepCompleted: WEEK, keepFailed: WEEK },
  // Minutes long: what has failed three times is left to the next day.
  retrain: { attempts: 3, pause: 5 * SECOND, keepCompleted: WEEK, keepFailed: WEEK },
  // Waited for by a round, large, and soon of no use. Not shorter: on PostgreSQL an answer goes with its job, also for a
  // parent that has not gathered it yet.
  infer: { attempts: 4, pause: SECOND / 5, keepCompleted: 5 * MINUTE, keepFailed: WEEK },
  train: { attempts: 3, pause: 5 * SECOND, keepCompleted: WEEK, keepFailed: WEEK },
  // A store: nobody takes jobs from it.
  dead: { attempts: 1, pause: 0, keepCompleted: 0, keepFailed: 0 },
}

/** How long jobs that have ended are kept, milliseconds. */
export function keptFor(queue: FleetQueue): { readonly completed: number; readonly failed: number } {
  return { completed: POLICIES[queue].keepCompleted, failed: POLICIES[queue].keepFailed }
}

/**
 * Options of the job of `queue` whose identity is `id` (see `idempotencyKey`).
 *
 * None is removed when it ends, which is what BullMQ does unless told otherwise: old jobs are cleared by those who ask
 * (`round.ts`, `clean-queues.ts`). Workers that each clear while they finish a job have run into deadlocks on PostgreSQL,
 * and then did the job again.
 */
export function fleetJobOptions(queue: FleetQueue, id: string): JobsOptions {
  const { attempts, pause } = POLICIES[queue]
  return {
    attempts,
    // Half of each pause is left to chance: jobs that failed together shall not come back together.
    ...(pause > 0 && { backoff: { type: 'exponential', delay: pause, jitter: 0.5 } }),
    jobId: id,
  }
}

/** Options of a job of `queue` with the identity of its content. */
export function jobOptions(queue: QueueName, payload: InferJob | TrainJob): JobsOptions {
  return fleetJobOptions(queue, jobId(payload))
}
