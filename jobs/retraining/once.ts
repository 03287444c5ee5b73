import { UnavailableError } from '#data/errors.ts'
import type { Broker, BrokerQueue, BrokerQueueEvents } from '../broker.ts'
import { flowProducerOf, queueOf } from '../queue-of.ts'
import type { FleetRecords, RetrainingRecord } from '../records.ts'
import { type RetrainingJob, type RetrainingRequest, retrainingStepId, retrainingTree } from './flow.ts'

/** How long an event is waited for before the job itself is looked at, milliseconds: events may be lost. */
const LOOK = 5_000

export interface RetrainOnceOptions {
  readonly broker: Broker
  readonly records: Pick<FleetRecords, 'retrainings'>
  readonly signal?: AbortSignal
  /** Milliseconds before the second attempt to fetch data. */
  readonly pause?: number
}

/** Puts a retraining on its queue; one that is there already is not asked for again. */
export async function addRetraining(
  broker: Broker,
  flow: string,
  request: RetrainingRequest,
  pause?: number,
): Promise<void> {
  await flowProducerOf(broker).add(retrainingTree(flow, request, pause))
}

/**
 * Asks for a retraining and waits for its end. The steps are taken by whoever serves the queue `retrain`.
 *
 * @returns what the records say of it, also where it has failed
 * @throws {UnavailableError} where the records know of no end though the broker does
 * @throws the signal's reason: the retraining goes on
 */
export async function retrainOnce(
  { broker, records, signal, pause }: RetrainOnceOptions,
  flow: string,
  request: RetrainingRequest,
): Promise<RetrainingRecord> {
  const events = await broker.createQueueEvents('retrain')
  const queue = queueOf<RetrainingJob, unknown>(broker, 'retrain')
  await addRetraining(broker, flow, request, pause)
  const root = retrainingStepId(flow, 'promote')
  await ended(queue, events, root, signal)
  const record = records.retrainings(Number.MAX_SAFE_INTEGER).find((one) => one.flow === flow)
  if (record && record.endedAt !== null) return record
  const words = (await queue.getJob(root))?.failedReason || 'the broker has forgotten it'
  throw new UnavailableError(`${flow} has ended and nothing is written down of how: ${words}`, { flow })
}

async function ended(
  queue: BrokerQueue<RetrainingJob, unknown>,
  events: BrokerQueueEvents,
  id: string,
  signal?: AbortSignal,
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted()
    const event = nextEnd(events, id, signal)
    const state = await queue.getJobState(id)
    if (state === 'completed' || state === 'failed' || state === 'unknown') return
    await event
  }
}

/** Resolves when the job ends, after {@link LOOK}, or when aborted. */
function nextEnd(events: BrokerQueueEvents, id: string, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      clearTimeout(late)
      events.off('completed', heard)
      events.off('failed', heard)
      signal?.removeEventListener('abort', stop)
      resolve()
    }
    const heard = ({ jobId }: { jobId: string }) => jobId === id && stop()
    const late = setTimeout(stop, LOOK)
    events.on('completed', heard)
    events.on('failed', heard)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
