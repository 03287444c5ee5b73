import type { JobType } from 'bullmq'
import { UnavailableError } from '#data/errors.ts'
import type { Broker, BrokerQueue } from '../broker.ts'
import { describeError } from '../failures.ts'
import { FLEET_QUEUES, type FleetQueue, SCHEDULES } from '../fleet-queues.ts'
import { farewellQueue, takeFarewells } from './farewell.ts'
import { withPatience } from './patience.ts'
import type { FleetStatus, QueueStatus } from './status.ts'

/** The queues of the fleet, opened once by the process that watches. */
export type FleetQueues = Readonly<Record<FleetQueue, BrokerQueue<unknown, unknown>>>

/** Opens every queue of the fleet. */
export function openFleetQueues(broker: Pick<Broker, 'createQueue'>): FleetQueues {
  const entries = FLEET_QUEUES.map((name) => [name, broker.createQueue<unknown, unknown>(name)] as const)
  return Object.fromEntries(entries) as unknown as FleetQueues
}

/** What the broker knows at one moment. */
export interface BrokerLook {
  readonly queues: readonly QueueStatus[]
  readonly schedules: FleetStatus['schedules']
  /** `pid@host` of the workers of any queue, and of those of the queues that any machine may serve. */
  readonly workers: readonly string[]
  readonly remoteWorkers: readonly string[]
  readonly farewells: ReadonlyMap<string, number>
}

/** How long the broker has to answer, milliseconds. */
const PATIENCE = 3_000
/** Queues whose workers may be on any machine: only these can be lost while the home process lives. */
const REMOTE: readonly FleetQueue[] = ['infer', 'train']
const COUNTED: readonly JobType[] = ['waiting', 'prioritized', 'active', 'delayed', 'failed', 'waiting-children']

/**
 * Looks at all queues of the fleet.
 *
 * @returns a function that looks; while one look is not through, another fails at once: questions to a broker that is
 *   gone would pile up
 * @throws (the function) {UnavailableError} where the broker does not answer in time
 */
export function createBrokerLook(
  broker: Pick<Broker, 'name' | 'createQueue'>,
  queues: FleetQueues,
  now: () => number,
  patience: number = PATIENCE,
): () => Promise<BrokerLook> {
  const farewells = farewellQueue(broker)
  let pending: Promise<unknown> | undefined

  const look = async (): Promise<BrokerLook> => {
    const [found, schedules, said] = await Promise.all([
      Promise.all(FLEET_QUEUES.map((name) => lookAtQueue(name, queues[name], now()))),
      Promise.all(SCHEDULES.map((schedule) => lookAtSchedule(schedule, queues[schedule]))),
      takeFarewells(farewells),
    ])
    const namesOf = (of: (queue: FleetQueue) => boolean) => {
      const names = found.filter(({ status }) => of(status.queue)).flatMap(({ workers }) => workers)
      return [...new Set(names)].sort()
    }
    return {
      queues: found.map(({ status }) => status),
      schedules: schedules.flat(),
      workers: namesOf(() => true),
      remoteWorkers: namesOf((queue) => REMOTE.includes(queue)),
      farewells: said,
    }
  }

  return async () => {
    const words = `${broker.name} did not answer within ${patience / 1000} s`
    if (pending) throw new UnavailableError(words)
    const work = look()
    pending = work.then(
      () => undefined,
      () => undefined,
    )
    void pending.then(() => {
      pending = undefined
    })
    try {
      return await withPatience(work, patience, () => new UnavailableError(words))
    } catch (error) {
      if (error instanceof UnavailableError) throw error
      throw new UnavailableError(`${broker.name}: ${describeError(error)}`, {}, error)
    }
  }
}

/** One question after the other: each would take a connection of its own on PostgreSQL. */
async function lookAtQueue(
  name: FleetQueue,
  queue: BrokerQueue<unknown, unknown>,
  time: number,
): Promise<{ status: QueueStatus; workers: string[] }> {
  const counts = await queue.getJobCounts(...COUNTED)
  // A dead letter that was replayed has a priority, and waits for nobody.
  const waiting = (counts.waiting ?? 0) + (name === 'dead' ? 0 : (counts.prioritized ?? 0))
  const paused = await queue.isPaused()
  const workers = workersOf(await queue.getWorkers())
  // Newest first, the only order that both brokers know for what waits.
  const last = counts.waiting - 1
  const [oldest] = last >= 0 ? await queue.getJobs(['waiting'], last, last, false) : []
  const status: QueueStatus = {
    queue: name,
    waiting,
    active: counts.active ?? 0,
    delayed: counts.delayed ?? 0,
    failed: counts.failed ?? 0,
    waitingChildren: counts['waiting-children'] ?? 0,
    // A job that was delayed waits since its time came.
    oldestSeconds: oldest ? Math.max(0, (time - oldest.timestamp - (oldest.opts.delay ?? 0)) / 1000) : null,
    paused,
    workers: workers.length,
  }
  return { status, workers }
}

/** BullMQ names the connection of a worker `<queue>:w:<name>`. */
function workersOf(clients: readonly Record<string, string>[]): string[] {
  const names = clients.map(({ rawname }) => rawname?.split(':w:')[1])
  return [...new Set(names.filter((name) => name !== undefined))]
}

async function lookAtSchedule(
  schedule: (typeof SCHEDULES)[number],
  queue: BrokerQueue<unknown, unknown>,
): Promise<FleetStatus['schedules']> {
  const paused = await queue.isPaused()
  const schedulers = await queue.getJobSchedulers(0, 0)
  return schedulers.map(({ pattern, every, next }) => ({
    schedule,
    pattern: pattern ?? `every ${(every ?? 0) / 1000} s`,
    next: next ?? null,
    paused,
  }))
}
