import { hostname } from 'node:os'
import { UnavailableError } from '#data/errors.ts'
import type { Broker, BrokerQueue } from '../broker.ts'
import { withPatience } from './patience.ts'

/**
 * How a worker that was told to stop is told from one that was lost: it leaves a farewell on a queue that no worker
 * takes from, which works on every broker.
 */
const QUEUE = 'farewell'

/** A worker of one process, as BullMQ lists it: `pid@host`. */
export function workerName(): string {
  return `${process.pid}@${hostname()}`
}

/** Farewells are read by one process, and only while it runs: more than these nobody needs. */
const MOST = 1000
/** A broker that is gone must not keep a worker from ending, milliseconds. */
const PATIENCE = 2000

/**
 * Says that this worker goes of its own accord. To be called when it has taken its last job, before it closes.
 *
 * @throws {UnavailableError} where the broker does not take it in time: the worker then counts as lost for a while
 */
export async function sayFarewell(
  broker: Pick<Broker, 'createQueue'>,
  name = workerName(),
  patience = PATIENCE,
): Promise<void> {
  const queue = broker.createQueue<Farewell, never>(QUEUE)
  const words = `the farewell of worker ${name} was not taken`
  await withPatience(queue.add(QUEUE, { name }), patience, () => new UnavailableError(words, { worker: name }))
}

interface Farewell {
  readonly name: string
}

/** Where farewells are read; one for each process that watches. */
export function farewellQueue(broker: Pick<Broker, 'createQueue'>): BrokerQueue<unknown, unknown> {
  return broker.createQueue<unknown, unknown>(QUEUE)
}

/**
 * Names of those that said farewell since the last call, with the time of each; they are taken off the queue.
 */
export async function takeFarewells(queue: BrokerQueue<unknown, unknown>): Promise<ReadonlyMap<string, number>> {
  const jobs = await queue.getJobs(['waiting'], 0, MOST - 1)
  const said = new Map<string, number>()
  for (const job of jobs) {
    if (!job) continue
    said.set((job.data as Farewell).name, job.timestamp)
    await job.remove()
  }
  return said
}
