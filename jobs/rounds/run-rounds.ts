import type { Logger } from 'pino'
import type { BrokerQueue, BrokerWorker } from '../broker.ts'
import { queueOf } from '../queue-of.ts'
import { batchId } from './estimates.ts'
import { LAST_STEP, stepId } from './flow.ts'
import { createRoundPlanner, type RoundPlanner } from './planner.ts'
import type { RoundStepsOptions } from './step.ts'
import { createRoundSteps } from './steps.ts'

/** The rounds of this process. */
export interface RunningRounds {
  readonly planner: RoundPlanner
  readonly worker: BrokerWorker<unknown, unknown>
  /** Resolves when so many rounds have ended as were asked for; never where none were. */
  readonly over: Promise<void>
  /** Lets the step that runs end, and takes no more. */
  drain(): Promise<void>
}

/**
 * Steps take seconds, and wait for the disk and the exchange. A home that is killed loses the lock of its step; that is
 * nothing the step did, so it may happen often before the step itself is held to be what ends the process.
 */
const LOCKS = { lockDuration: 60_000, stalledInterval: 5_000, maxStalledCount: 10 }
/** Between two looks at what is due and at estimates that do not come, milliseconds. */
const LOOK = 5_000

/**
 * Takes the steps of rounds in this process, one at a time, and begins the next round when one has ended.
 *
 * @param options.locks for tests: times after which a killed process' step is given to its successor
 */
export async function startRounds(
  options: RoundStepsOptions & { readonly locks?: Partial<typeof LOCKS>; readonly look?: number },
): Promise<RunningRounds> {
  const { broker, rounds, records, logger } = options
  const planner = createRoundPlanner(options)
  const process = createRoundSteps(options)
  const queue = queueOf(broker, 'round')
  const inferQueue = queueOf(broker, 'infer')
  const worker = broker.createWorker<unknown, unknown>(
    'round',
    (job, token, signal) => process(job, token ?? '', signal),
    { ...LOCKS, ...options.locks },
  )
  const { promise: over, resolve } = Promise.withResolvers<void>()
  const look = async () => {
    const planned = await planner.plan()
    if ('waits' in planned && planned.waits === 'all rounds that were asked for are over') resolve()
  }
  const lookOrSay = () =>
    void look().catch((error) => logger.warn({ error: String(error) }, 'what is due cannot be told now'))

  worker.on('completed', (job) => job.name === LAST_STEP && lookOrSay())
  worker.on('failed', lookOrSay)
  worker.on('failed', (job, error) => logger.error({ job: job?.id, attempt: job?.attemptsMade }, error.message))
  worker.on('stalled', (job) => logger.warn({ job }, 'step taken over from a process that is gone'))
  const looking = setInterval(() => {
    lookOrSay()
    giveUpWaiting(queue, inferQueue, records.rounds(1)[0], 1000 * rounds.inferSeconds, logger).catch((error) =>
      logger.warn({ error: String(error) }, 'cannot look after the estimates'),
    )
  }, options.look ?? LOOK)
  await worker.waitUntilReady()
  lookOrSay()
  return {
    planner,
    worker,
    over,
    async drain() {
      clearInterval(looking)
      await worker.close()
    },
  }
}

/** Estimates that nobody makes are not waited for beyond the limit: what waits is taken back, and the round goes on. */
async function giveUpWaiting(
  queue: BrokerQueue<unknown, unknown>,
  inferQueue: BrokerQueue<unknown, unknown>,
  round: { readonly asOf: number; readonly state: string } | undefined,
  limit: number,
  logger: Logger,
): Promise<void> {
  if (round?.state !== 'running') return
  const job = await queue.getJob(stepId(round.asOf, 'infer'))
  if (!job || !(await job.isWaitingChildren())) return
  const waited = Date.now() - (job.processedOn ?? Date.now())
  if (waited < limit) return
  const { batches = 0 } = job.data as { batches?: number }
  logger.warn(
    { job: job.id },
    `the estimates were waited for ${Math.round(waited / 1000)} s: the round goes on without the rest`,
  )
  // One by one: with the last of them their parent is woken, on both brokers.
  for (let i = 0; i < batches; i++) await inferQueue.remove(batchId(job.id!, i))
}
