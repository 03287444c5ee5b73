import { InputError } from '#data/errors.ts'
import type { Broker } from '../broker.ts'
import type { FleetQueue } from '../fleet-queues.ts'
import { queueOf } from '../queue-of.ts'
import { fleetJobOptions } from '../queues.ts'
import { type KeptLetter, type Letter, letterSchema } from './letter.ts'

/**
 * Letters are jobs that wait on the queue `dead`, of which nobody takes any: they survive whatever the broker survives,
 * and are seen wherever its queues are. Those that were replayed wait with a priority, which sets them apart: they wait
 * for nobody to look at them.
 */

const DAY = 24 * 3_600_000
/** How long letters are kept, milliseconds, and how many. */
export const LETTERS_KEPT = { age: 30 * DAY, count: 10_000 } as const
/** Any but 0, which is none. */
const REPLAYED = 1
/** Letters written or read at a time: a batch of coins has some 300 KB. */
const CHUNK = 50

const deadQueue = (broker: Broker) => queueOf<Letter>(broker, 'dead')

/** Keeps letters; one that is there already stays as it is. */
export async function putLetters(broker: Broker, letters: readonly KeptLetter[]): Promise<void> {
  for (let i = 0; i < letters.length; i += CHUNK) {
    const jobs = letters.slice(i, i + CHUNK).map(({ id, ...letter }) => ({
      name: letter.queue,
      data: letter,
      // Their age is that of the failure.
      opts: { ...fleetJobOptions('dead', id), timestamp: letter.failedAt },
    }))
    await deadQueue(broker).addBulk(jobs)
  }
}

/** How many letters wait for somebody to look: those that were not replayed. */
export function countLetters(broker: Broker): Promise<number> {
  return deadQueue(broker).getWaitingCount()
}

/** All letters: first those that were not replayed, the newest first; of one queue where it is named. */
export async function* letters(broker: Broker, queue?: FleetQueue): AsyncGenerator<KeptLetter> {
  const dead = deadQueue(broker)
  // The ids at once: letters that come or go meanwhile would shift the pages.
  const ids = await idsOf(dead)
  for (let i = 0; i < ids.length; i += CHUNK) {
    const jobs = await Promise.all(ids.slice(i, i + CHUNK).map((id) => dead.getJob(id)))
    for (const job of jobs) {
      if (!job || (queue !== undefined && job.name !== queue)) continue
      yield { id: job.id!, ...letterSchema.parse(job.data) }
    }
  }
}

/** @throws {InputError} when there is no such letter */
export async function findLetter(broker: Broker, id: string): Promise<KeptLetter> {
  const job = await deadQueue(broker).getJob(id)
  if (job) return { id, ...letterSchema.parse(job.data) }
  throw new InputError(`there is no dead letter ${id}: \`millrace dead list\` shows those that are there`, { id })
}

/** Notes on a letter that it was replayed. */
export async function noteReplay(broker: Broker, letter: KeptLetter, replayed: Letter['replayed']): Promise<void> {
  const job = await deadQueue(broker).getJob(letter.id)
  // Dropped meanwhile: then nobody wants to know.
  if (!job) return
  await job.updateData({ ...job.data, replayed })
  await job.changePriority({ priority: REPLAYED })
}

/** Removes a letter. @returns whether it was there */
export async function dropLetter(broker: Broker, id: string): Promise<boolean> {
  const dead = deadQueue(broker)
  // Redis says of any id that it was removed.
  return (await dead.getJob(id)) !== undefined && (await dead.remove(id)) === 1
}

/**
 * Drops letters that are too old, and the oldest of those that are too many.
 *
 * @param now UTC milliseconds by the clock of this machine
 * @returns how many
 */
export async function expireLetters(broker: Broker, now: number, kept = LETTERS_KEPT): Promise<number> {
  const dead = deadQueue(broker)
  // BullMQ counts back from its own clock.
  const grace = kept.age + Date.now() - now
  let dropped = (await dead.clean(grace, 0, 'wait')).length + (await dead.clean(grace, 0, 'prioritized')).length
  for (const id of (await idsOf(dead)).slice(kept.count)) dropped += await dead.remove(id)
  return dropped
}

/** The newest first, then those that were replayed. */
async function idsOf(dead: ReturnType<typeof deadQueue>): Promise<string[]> {
  return [...(await dead.getRanges(['wait'], 0, -1)), ...(await dead.getRanges(['prioritized'], 0, -1))]
}
