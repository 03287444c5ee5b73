import { setTimeout as delay } from 'node:timers/promises'
import type { BrokerQueue } from '#jobs/broker.ts'

/** Milliseconds between two looks at a job. */
const LOOK_INTERVAL = 25

/**
 * What a job ended with, asked of the broker itself: an event can be lost on a busy machine, and rounds do not rely on
 * events alone either.
 */
export async function ending<Result>(
  queue: BrokerQueue<unknown, Result>,
  { id }: { readonly id?: string },
): Promise<Result> {
  let state: string | undefined
  while (state !== 'completed' && state !== 'failed') {
    await delay(LOOK_INTERVAL)
    state = await (await queue.getJob(id!))?.getState()
  }
  // Read again: what was read before it ended does not know how it ended.
  const job = (await queue.getJob(id!))!
  if (state === 'failed') throw new Error(job.failedReason)
  return job.returnvalue
}

/** Resolves when `holds` does; the test's own limit ends it otherwise. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(LOOK_INTERVAL)
}
