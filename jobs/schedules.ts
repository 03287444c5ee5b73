import type { Broker } from './broker.ts'
import { SCHEDULES, type ScheduleName } from './fleet-queues.ts'
import { queueOf } from './queue-of.ts'

/** When a schedule ticks: a cron pattern of UTC (seconds first where there are six fields), or every so often. */
export type Timing = { readonly pattern: string } | { readonly every: number }

/** A schedule as the broker has it. */
export interface Schedule {
  readonly schedule: ScheduleName
  /** False where no fleet has put it up. */
  readonly known: boolean
  readonly pattern: string
  /** UTC milliseconds of the next tick; null where there is none. */
  readonly next: number | null
  readonly paused: boolean
  /** Ticks that wait, and how the last one ended. */
  readonly waiting: number
  readonly last: { readonly at: number; readonly ok: boolean; readonly words: string } | null
}

const TICK = 'tick'
/** A tick that was asked for by hand. */
export const BY_HAND = 'now'

/**
 * Puts up or changes the schedules. Each is a job scheduler on a queue of its own: the next tick is there as soon as the
 * last one has started, whatever that one brings about.
 */
export async function putSchedules(broker: Broker, timings: Readonly<Record<ScheduleName, Timing>>): Promise<void> {
  for (const schedule of SCHEDULES) {
    const queue = queueOf(broker, schedule)
    const timing = timings[schedule]
    const repeat = 'pattern' in timing ? { pattern: timing.pattern, tz: 'UTC' } : { every: timing.every }
    // Ticks are many and tell nothing that the records do not.
    const keep = { count: 100 }
    await queue.upsertJobScheduler(schedule, repeat, {
      name: TICK,
      data: {},
      opts: {
        attempts: 5,
        backoff: { type: 'exponential', delay: 1000 },
        removeOnComplete: keep,
        removeOnFail: keep,
        // A tick is handed the trace of the tick before it: each shall begin one of its own.
        telemetry: { omitContext: true },
      },
    })
  }
}

/** Schedules as they are now. */
export async function listSchedules(broker: Broker): Promise<Schedule[]> {
  return Promise.all(
    SCHEDULES.map(async (schedule): Promise<Schedule> => {
      const queue = queueOf(broker, schedule)
      const [found] = await queue.getJobSchedulers(0, 0)
      const waiting = await queue.getJobCountByTypes('waiting', 'active', 'prioritized')
      const ended = await queue.getJobs(['completed', 'failed'], 0, 0)
      const newest = ended
        .filter((job) => job !== undefined)
        .sort((a, b) => (b.finishedOn ?? 0) - (a.finishedOn ?? 0))[0]
      return {
        schedule,
        known: found !== undefined,
        pattern: found === undefined ? '-' : (found.pattern ?? `every ${(found.every ?? 0) / 1000} s`),
        next: found?.next ?? null,
        paused: await queue.isPaused(),
        waiting,
        last: newest
          ? {
              at: newest.finishedOn ?? newest.timestamp,
              ok: newest.failedReason === undefined,
              words: newest.failedReason ?? JSON.stringify(newest.returnvalue),
            }
          : null,
      }
    }),
  )
}

/**
 * Has a schedule tick now, besides its times.
 *
 * @returns id of the tick's job
 */
export async function runNow(broker: Broker, schedule: ScheduleName, now: number): Promise<string> {
  const id = `${schedule}-${BY_HAND}-${now}`
  await queueOf(broker, schedule).add(
    BY_HAND,
    {},
    { jobId: id, attempts: 5, backoff: { type: 'exponential', delay: 1000 } },
  )
  return id
}

/** Stops a schedule, until {@link resumeSchedule}: what is under way goes on, and no tick is taken. */
export async function pauseSchedule(broker: Broker, schedule: ScheduleName): Promise<void> {
  await queueOf(broker, schedule).pause()
}

export async function resumeSchedule(broker: Broker, schedule: ScheduleName): Promise<void> {
  await queueOf(broker, schedule).resume()
}
