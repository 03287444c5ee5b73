/**
 * The queues of the fleet. Schedules have queues of their own, so that a long training never delays a tick; the steps of
 * a round and of a retraining are taken one at a time by the one process that has the state folder; `infer` and `train`
 * are taken by any number of workers on any machine.
 */
export const FLEET_QUEUES = ['hourly', 'daily', 'round', 'retrain', 'infer', 'train', 'dead'] as const
export type FleetQueue = (typeof FLEET_QUEUES)[number]

/** Names of the schedules: each is a job scheduler on the queue of its name. */
export const SCHEDULES = ['hourly', 'daily'] as const
export type ScheduleName = (typeof SCHEDULES)[number]

/**
 * Name of the round for one full hour, the first part of every idempotency key: `hourly-2026-11-20T10`. BullMQ takes no
 * `:` in the id of a job.
 */
export function roundFlow(asOf: number): string {
  return `hourly-${new Date(asOf).toISOString().slice(0, 13)}`
}

/** Name of a retraining: `daily-2026-11-20`, or with a time where it was asked for besides the schedule. */
export function retrainingFlow(time: number, besides = false): string {
  return `daily-${new Date(time)
    .toISOString()
    .slice(0, besides ? 19 : 10)
    .replaceAll(':', '')}`
}

/** The id of a job: what is done twice with one key takes effect once. `hourly-2026-11-20T10.infer.3` */
export function idempotencyKey(flow: string, step: string, part?: string | number): string {
  return part === undefined ? `${flow}.${step}` : `${flow}.${step}.${part}`
}
