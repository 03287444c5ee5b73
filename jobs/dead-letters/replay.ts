import type { FlowJob } from 'bullmq'
import type { Broker, BrokerQueue } from '../broker.ts'
import type { FleetQueue } from '../fleet-queues.ts'
import { flowProducerOf, queueOf } from '../queue-of.ts'
import { fleetJobOptions } from '../queues.ts'
import { RETRAINING_STEPS, readRetrainingJob, trainingId } from '../retraining/flow.ts'
import { ROUND_STEPS } from '../rounds/flow.ts'
import type { KeptLetter } from './letter.ts'
import { noteReplay } from './store.ts'

/** Queues whose jobs are steps that follow one another: a step that failed has kept the later ones from being taken. */
const STEPS: Partial<Record<FleetQueue, readonly string[]>> = { round: ROUND_STEPS, retrain: RETRAINING_STEPS }

/** What became of a replay. */
export interface Replay {
  readonly letter: string
  readonly queue: FleetQueue
  /** The new job: of the last step, where several were added. */
  readonly job: string
  /** Steps that were added, in their order; empty where the job is none. */
  readonly steps: readonly string[]
}

/**
 * Puts the payload of a letter back onto its queue, under a new id and with all its attempts; a step of a round brings
 * those that come after it. The letter stays, and says so.
 *
 * Two who replay one letter at the same time, or one who crashes before the letter says so, add one job.
 *
 * @param now UTC milliseconds
 */
export async function replayLetter(broker: Broker, letter: KeptLetter, now: number): Promise<Replay> {
  const times = (letter.replayed?.times ?? 0) + 1
  const { queue, name } = letter
  const id = `${letter.id}.${times}`
  const steps = stepsFrom(queue, name)
  if (queue === 'retrain') await freeTrainings(broker, letter)
  const job =
    steps.length > 0 ? await addSteps(broker, letter, steps, id) : await addJob(queueOf(broker, queue), letter, id)
  await noteReplay(broker, letter, { at: now, job, times })
  return { letter: letter.id, queue, job, steps }
}

function stepsFrom(queue: FleetQueue, name: string): readonly string[] {
  const all = STEPS[queue] ?? []
  const index = all.indexOf(name)
  return index < 0 ? [] : all.slice(index)
}

async function addJob(queue: BrokerQueue<unknown, unknown>, letter: KeptLetter, id: string): Promise<string> {
  await queue.add(letter.name, letter.payload, fleetJobOptions(letter.queue, id))
  return id
}

/** The steps as a flow, each the child of the one that follows it. */
async function addSteps(broker: Broker, letter: KeptLetter, steps: readonly string[], id: string): Promise<string> {
  const { queue } = letter
  const payload = toldAtFirst(letter)
  const jobOf = (step: string) => `${id}.${step}`
  const node = (index: number): FlowJob =>
    ({
      name: steps[index],
      queueName: queue,
      data: payload,
      opts: {
        ...fleetJobOptions(queue, jobOf(steps[index])),
        ...(index < steps.length - 1 && { failParentOnFailure: true }),
      },
      ...(index > 0 && { children: [node(index - 1)] }),
    }) as FlowJob
  await flowProducerOf(broker).add(node(steps.length - 1))
  return jobOf(steps[steps.length - 1])
}

/** Takes failed trainings off their queue: the step that asks for them adds those that are not there. */
async function freeTrainings(broker: Broker, { name, payload }: KeptLetter): Promise<void> {
  const { flow, kinds, seeds } = readRetrainingJob(name, payload).request
  for (const id of kinds.flatMap((kind) => seeds.map((seed) => trainingId(flow, kind, seed)))) {
    const training = await queueOf(broker, 'train').getJob(id)
    if (training && (await training.getState()) === 'failed') await training.remove()
  }
}

/** The payload without what the step itself has noted in it: the jobs that it waited for are not those of its replay. */
function toldAtFirst({ payload }: KeptLetter): unknown {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return payload
  const { batches: _batches, ...told } = payload
  return told
}
