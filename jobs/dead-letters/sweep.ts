import type { Logger } from 'pino'
import type { Broker } from '../broker.ts'
import { FLEET_QUEUES, type FleetQueue } from '../fleet-queues.ts'
import { queueOf } from '../queue-of.ts'
import { type KeptLetter, letterId, letterOf } from './letter.ts'
import { expireLetters, putLetters } from './store.ts'

export interface SweepOptions {
  readonly logger: Logger
  /** UTC milliseconds by the clock of this machine. */
  readonly now: number
}

/** What a sweep did. */
export interface Swept {
  /** New letters. */
  readonly letters: number
  /** Letters that were too old or too many. */
  readonly dropped: number
}

/** Failed jobs read at a time. */
const CHUNK = 50
/** How long a job that has its letter is not read again, milliseconds: it may have been retried and failed anew. */
const KNOWN_FOR = 3_600_000
/** Letters of one sweep that the log tells one by one. */
const TOLD = 20
/** A parent's words when a child of its failed: the child has the cause, and a letter. */
const CONSEQUENCE = /^child \S+ failed$/

/** Failed jobs with a letter, and when this process saw that: they are large, and stay for a week. */
const known = new WeakMap<Broker, Map<FleetQueue, Map<string, number>>>()

/** Whether this process has swept `queue`, so that failed jobs may be cleared from it. */
export function wasSwept(broker: Broker, queue: FleetQueue): boolean {
  return known.get(broker)?.has(queue) ?? false
}

/**
 * Writes a letter about every job of the fleet that failed for good: after all its attempts, at once where another try
 * cannot help, or because it lost its worker too often. Jobs that nobody wanted any more have none, nor have parents
 * that failed with a child. The failed jobs stay where they are: a parent or a round may still look for them.
 *
 * Sweeping twice, or side by side, or after a crash in between, makes one letter: its id comes from the failure, and a
 * job is marked once its letter is kept, so that a letter that was dropped does not come back.
 */
export async function sweepDeadLetters(broker: Broker, options: SweepOptions): Promise<Swept> {
  const ofBroker = known.get(broker) ?? new Map<FleetQueue, Map<string, number>>()
  known.set(broker, ofBroker)
  let count = 0
  for (const queue of FLEET_QUEUES) {
    if (queue === 'dead') continue
    const seen = new Map(ofBroker.get(queue))
    count += await sweepQueue(broker, queue, seen, count, options)
    ofBroker.set(queue, seen)
  }
  if (count > TOLD)
    options.logger.error({ letters: count }, `${count - TOLD} more dead letters: \`millrace dead list\``)
  return { letters: count, dropped: await expireLetters(broker, options.now) }
}

async function sweepQueue(
  broker: Broker,
  name: FleetQueue,
  seen: Map<string, number>,
  before: number,
  { logger, now }: SweepOptions,
): Promise<number> {
  const queue = queueOf(broker, name)
  const failed = await queue.getRanges(['failed'], 0, -1)
  const there = new Set(failed)
  for (const id of seen.keys()) if (!there.has(id)) seen.delete(id)
  const unread = failed.filter((id) => !(now - (seen.get(id) ?? Number.NEGATIVE_INFINITY) < KNOWN_FOR))
  let made = 0
  for (let i = 0; i < unread.length; i += CHUNK) {
    const ids = unread.slice(i, i + CHUNK)
    const jobs = await Promise.all(ids.map((id) => queue.getJob(id)))
    const letters: KeptLetter[] = []
    for (const job of jobs) {
      // Retried or removed since: what becomes of it is seen by another sweep.
      if (!job?.finishedOn || !job.failedReason || isNobodys(job.data) || CONSEQUENCE.test(job.failedReason)) continue
      const letter = letterOf(name, job)
      const id = letterId(letter)
      if (markOf(job.progress) !== id) letters.push({ id, ...letter })
    }
    await putLetters(broker, letters)
    for (const letter of letters) {
      const job = jobs.find((candidate) => candidate?.id === letter.job)
      await job?.updateProgress({ ...(isRecord(job.progress) && job.progress), letter: letter.id })
      if (before + made++ < TOLD) tell(logger, letter)
    }
    for (const id of ids) seen.set(id, now)
  }
  return made
}

function tell(logger: Logger, { id, queue, job, flow, cause }: KeptLetter): void {
  logger.error(
    { letter: id, queue, job, flow, cause },
    `${queue} job ${job} failed for good: ${cause} (put it back with \`millrace dead replay ${id}\`)`,
  )
}

/** Whoever cancelled it knows. */
function isNobodys(payload: unknown): boolean {
  return isRecord(payload) && payload.cancelled === true
}

function markOf(progress: unknown): unknown {
  return isRecord(progress) ? progress.letter : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
