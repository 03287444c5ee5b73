import type { Broker } from './broker.ts'
import { wasSwept } from './dead-letters/sweep.ts'
import { FLEET_QUEUES } from './fleet-queues.ts'
import { queueOf } from './queue-of.ts'
import { keptFor } from './queues.ts'

/** Jobs cleared from one queue at a time. */
const MOST_CLEARED = 10_000

/**
 * Clears jobs that ended long enough ago (see `keptFor`) from the queues of the fleet. Failed ones go only after this
 * process has swept their queue (`dead-letters/sweep.ts`): none shall go without a letter.
 *
 * @param now UTC milliseconds by the clock of this machine
 * @returns how many
 */
export async function cleanQueues(broker: Broker, now: number): Promise<number> {
  // BullMQ counts back from its own clock.
  const grace = (kept: number) => kept + Date.now() - now
  let cleared = 0
  for (const name of FLEET_QUEUES) {
    if (name === 'dead') continue
    const queue = queueOf(broker, name)
    const { completed, failed } = keptFor(name)
    cleared += (await queue.clean(grace(completed), MOST_CLEARED, 'completed')).length
    if (wasSwept(broker, name)) cleared += (await queue.clean(grace(failed), MOST_CLEARED, 'failed')).length
  }
  return cleared
}
