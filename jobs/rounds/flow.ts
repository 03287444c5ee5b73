import type { FlowJob } from 'bullmq'
import { idempotencyKey, roundFlow } from '../fleet-queues.ts'
import { fleetJobOptions } from '../queues.ts'

/** The steps of a round, in their order: each is a job, and waits for the one before it. */
export const ROUND_STEPS = [
  'refresh',
  'features',
  'infer',
  'scan',
  'settle',
  'fuse',
  'validate',
  'wheel',
  'ledger',
  'integrity',
] as const
export type RoundStep = (typeof ROUND_STEPS)[number]

/** What each step is told. Everything else is in the state folder, so that a step can be taken again after a crash. */
export interface RoundJob {
  readonly flow: string
  /** UTC milliseconds of the full hour. */
  readonly asOf: number
}

/** The last step: when it has ended, so has the round. */
export const LAST_STEP: RoundStep = ROUND_STEPS[ROUND_STEPS.length - 1]

/** Id of a step's job: the same round asked for twice is the same jobs. */
export function stepId(asOf: number, step: RoundStep): string {
  return idempotencyKey(roundFlow(asOf), step)
}

/** The round of one full hour as a flow: every step is the child of the one that follows it. */
export function roundTree(asOf: number): FlowJob {
  const data: RoundJob = { flow: roundFlow(asOf), asOf }
  const node = (index: number): FlowJob => {
    const step = ROUND_STEPS[index]
    const parentFails = index < ROUND_STEPS.length - 1 ? { failParentOnFailure: true } : {}
    return {
      name: step,
      queueName: 'round',
      data,
      opts: { ...fleetJobOptions('round', stepId(asOf, step)), ...parentFails },
      ...(index > 0 && { children: [node(index - 1)] }),
    } as FlowJob
  }
  return node(ROUND_STEPS.length - 1)
}
