import { setTimeout as delay } from 'node:timers/promises'
import { UnavailableError } from '#data/errors.ts'
import type { Broker } from './broker.ts'
import { type Channel, channelOf } from './channel.ts'
import { fleetJobOptions, type InferJob, jobId, keptFor, type QueueName, type TrainJob } from './queues.ts'
import { createTally, follow, type Outcome, type Tally, type TallyOptions } from './tally.ts'

/** One job of a round. */
export interface PlannedJob<Payload extends InferJob | TrainJob> {
  /** Its identity: equal ones are one job, and adding it again changes nothing. */
  readonly id: string
  /** Makes what it carries, when it is added: the first jobs are at work while the last are still to be made. */
  payload(): Payload
}

export interface RoundOptions<Payload extends InferJob | TrainJob, Result> extends Omit<TallyOptions<Result>, 'ids'> {
  readonly broker: Broker
  readonly queue: QueueName
  readonly jobs: readonly PlannedJob<Payload>[]
  readonly signal?: AbortSignal
  /** Milliseconds without any sign of life after which the round is given up. */
  readonly patience: number
}

/** Jobs handed to the broker at a time. */
const CHUNK = 50
/**
 * First and longest pause between two looks at jobs of which no event came, milliseconds. The first is short: on PostgreSQL
 * a few events in a thousand are passed over, and a round is not to wait for them.
 */
const LOOK_FIRST = 50
const LOOK_LONGEST = 5_000
/** What a broker has to answer a question on the way out, milliseconds. */
const ANSWER = 3_000
/** Ended jobs cleared after one round. */
const MOST_CLEARED = 10_000

/** A job of a round that is identified by what it carries. */
export function identified<Payload extends InferJob | TrainJob>(payload: Payload): PlannedJob<Payload> {
  return { id: jobId(payload), payload: () => payload }
}

/**
 * Puts `jobs` on a queue and gathers how each ended, in their order; returns when all have.
 *
 * Listens before it adds. Events may still be lost (a restart, a trimmed stream), so jobs that stay silent are
 * looked up, and added again when the broker has forgotten them, which their identity makes harmless.
 *
 * @throws {UnavailableError} when nothing happened for `patience`: no workers, or none that gets on
 * @throws the signal's reason when aborted; jobs that wait are then taken back and running ones told to end
 */
export async function runRound<Payload extends InferJob | TrainJob, Result>(
  options: RoundOptions<Payload, Result>,
): Promise<readonly Outcome<Result>[]> {
  const { broker, queue: name, jobs, signal } = options
  signal?.throwIfAborted()
  if (jobs.length === 0) return []

  const channel = await channelOf(broker, name)
  const ids = jobs.map(({ id }) => id)
  const tally = createTally({ ...options, ids })
  const add = async (indices: readonly number[]) => {
    for (let i = 0; i < indices.length; i += CHUNK) {
      const chunk = indices.slice(i, i + CHUNK)
      await channel.queue.addBulk(
        chunk.map((n) => ({ name, data: jobs[n].payload(), opts: fleetJobOptions(name, ids[n]) })),
      )
    }
  }

  const unfollow = follow(channel.events, tally)
  const ending = new AbortController()
  try {
    await add([...tally.open.values()].map(([first]) => first))
    const silence = watch(options, channel, tally, add, ending.signal)
    await Promise.race([tally.finished, silence, rejectWhenAborted(signal, ending.signal)])
    await clear(channel, name)
    return tally.outcomes
  } catch (error) {
    await within(withdraw(channel, tally), ANSWER)
    throw error
  } finally {
    ending.abort()
    unfollow()
  }
}

/** Looks after jobs that stay silent. Rejects when they do so for too long; never resolves before the round ends. */
async function watch<Payload extends InferJob | TrainJob, Result>(
  options: RoundOptions<Payload, Result>,
  channel: Channel,
  tally: Tally<Result>,
  add: (indices: readonly number[]) => Promise<void>,
  ended: AbortSignal,
): Promise<void> {
  const { broker, queue, patience } = options
  let pause = LOOK_FIRST
  while (!ended.aborted) {
    const before = tally.lastSign()
    await delay(Math.min(pause, patience), undefined, { signal: ended }).catch(() => {})
    if (ended.aborted) return
    if (tally.lastSign() !== before) {
      pause = LOOK_FIRST
      continue
    }
    pause = Math.min(pause * 2, LOOK_LONGEST)
    const silence = () => Date.now() - tally.lastSign()
    // A broker that went away answers when it is back, which may be never.
    await within(lookAfter(channel, tally, add, ended), Math.max(LOOK_FIRST, patience - silence()))
    if (ended.aborted) return
    const silent = silence()
    if (silent < patience) continue
    const workers = (await within(channel.queue.getWorkersCount(), ANSWER)) ?? 'unknown, the broker does not answer'
    throw new UnavailableError(
      `${tally.open.size} of ${options.jobs.length} ${queue} jobs are open and nothing was heard of them for ` +
        `${Math.round(silent / 1000)} s (workers at ${broker.connection}: ${workers}): start workers or look into their logs`,
      { queue, open: tally.open.size, workers },
    )
  }
}

/**
 * Looks up open jobs, and adds again those that the broker has forgotten, until one of them is heard of: a round of
 * thousands that only paused for breath is not to be asked about job by job.
 */
async function lookAfter<Result>(
  channel: Channel,
  tally: Tally<Result>,
  add: (indices: readonly number[]) => Promise<void>,
  ended: AbortSignal,
): Promise<void> {
  for (const [id, [index]] of [...tally.open]) {
    if (ended.aborted) return
    const before = tally.lastSign()
    const found = await look(channel, tally, id)
    if (found === 'forgotten') await add([index])
    if (found !== 'ended' && tally.lastSign() !== before) return
  }
}

/** The answer, or undefined where it takes longer than `limit` milliseconds. */
async function within<T>(answer: Promise<T>, limit: number): Promise<T | undefined> {
  const late = new AbortController()
  try {
    return await Promise.race([answer, delay(limit, undefined, { signal: late.signal })])
  } finally {
    late.abort()
  }
}

/** What the broker knows of a job of which no event came. */
async function look<Result>(
  { queue }: Channel,
  tally: Tally<Result>,
  id: string,
): Promise<'open' | 'ended' | 'forgotten'> {
  const state = await queue.getJobState(id)
  if (state === 'unknown') return 'forgotten'
  if (state !== 'completed' && state !== 'failed') return 'open'
  const job = await queue.getJob(id)
  if (job && state === 'completed') tally.completed(id, job.returnvalue)
  else if (job) tally.failed(id, job.failedReason)
  return 'ended'
}

async function clear({ queue }: Channel, name: QueueName): Promise<void> {
  const kept = keptFor(name)
  await queue.clean(kept.completed, MOST_CLEARED, 'completed')
  await queue.clean(kept.failed, MOST_CLEARED, 'failed')
}

/** Takes back the jobs that wait and marks those that run, whose workers look for the mark (`workers/train.ts`). */
async function withdraw<Result>({ queue }: Channel, tally: Tally<Result>): Promise<void> {
  for (const id of tally.open.keys()) {
    try {
      if ((await queue.remove(id)) === 1) continue
      const job = await queue.getJob(id)
      await job?.updateData({ ...(job.data as object), cancelled: true })
    } catch {
      // The round has failed already, perhaps because the broker is gone: its own error is the one to report.
      return
    }
  }
}

function rejectWhenAborted(signal: AbortSignal | undefined, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason)
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true, signal: ended })
  })
}
