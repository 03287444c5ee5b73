import type { FlowJob } from 'bullmq'
import { z } from 'zod'
import { InputError } from '#data/errors.ts'
import { SERVED_KINDS } from '#models/regime.ts'
import { idempotencyKey } from '../fleet-queues.ts'
import { fleetJobOptions } from '../queues.ts'
import type { RetrainingOptions } from './options.ts'

/** The steps of a retraining, in their order: each is a job, and waits for the one before it. */
export const RETRAINING_STEPS = ['refresh', 'dataset', 'train', 'evaluate', 'export', 'promote'] as const
export type RetrainingStep = (typeof RETRAINING_STEPS)[number]

/** What each step is told. All else is in the state folder, so that a step can be taken again after a crash. */
const RetrainingJob = z.strictObject({
  flow: z.string().min(1).max(64),
  /** UTC milliseconds of a full hour: nothing that was known later is used. */
  asOf: z.int().min(0),
  kinds: z.array(z.enum(SERVED_KINDS)).min(1),
  seeds: z.array(z.int()).min(1),
})
export type RetrainingJob = z.infer<typeof RetrainingJob>

/** What a retraining is asked. */
export type RetrainingRequest = Omit<RetrainingJob, 'flow'>

/** What the options ask for, at a full hour. */
export function retrainingRequest({ kinds, seeds }: RetrainingOptions, asOf: number): RetrainingRequest {
  return { asOf, kinds: [...new Set(kinds)], seeds: [...new Set(seeds)] }
}

/** An exchange that is away is waited for so often, 8 minutes in all, before what is stored has to do. */
const REFRESH = { attempts: 5, pause: 30_000 }

/** Id of a step's job: the same retraining asked for twice is the same jobs. */
export function retrainingStepId(flow: string, step: RetrainingStep): string {
  return idempotencyKey(flow, step)
}

/** Id of the training of one kind with one seed, and the key of the version that comes of it. */
export function trainingId(flow: string, kind: string, seed: number): string {
  return idempotencyKey(flow, 'train', `${kind}.${seed}`)
}

/**
 * A retraining as a flow: every step is the child of the one that follows it, and where one fails for good so do those
 * that wait for it. The trainings are added when the data are there (`train-step.ts`).
 *
 * @param pause milliseconds before the second attempt to fetch data
 * @throws {InputError} for a request that is none
 */
export function retrainingTree(flow: string, request: RetrainingRequest, pause: number = REFRESH.pause): FlowJob {
  const data = check({ flow, ...request })
  const refreshing = {
    attempts: REFRESH.attempts,
    backoff: { type: 'exponential', delay: pause, jitter: 0.5 },
  }
  const node = (index: number): FlowJob => {
    const step = RETRAINING_STEPS[index]
    const last = index === RETRAINING_STEPS.length - 1
    return {
      name: step,
      queueName: 'retrain',
      data,
      opts: {
        ...fleetJobOptions('retrain', retrainingStepId(flow, step)),
        ...(step === 'refresh' && refreshing),
        ...(!last && { failParentOnFailure: true }),
      },
      ...(index > 0 && { children: [node(index - 1)] }),
    } as FlowJob
  }
  return node(RETRAINING_STEPS.length - 1)
}

/** @throws {InputError} for a job that is no step of a retraining */
export function readRetrainingJob(name: string, data: unknown): { step: RetrainingStep; request: RetrainingJob } {
  const step = RETRAINING_STEPS.find((known) => known === name)
  if (!step) throw new InputError(`retrain job: there is no step "${name}", only ${RETRAINING_STEPS.join(', ')}`)
  return { step, request: check(data) }
}

function check(data: unknown): RetrainingJob {
  const checked = RetrainingJob.safeParse(data)
  if (checked.success) return checked.data
  const [issue] = checked.error.issues
  const field = issue.path.join('.') || 'payload'
  throw new InputError(`retrain job: ${field}: ${issue.message}`, { queue: 'retrain', field })
}
