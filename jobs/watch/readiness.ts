import type { FleetStatus } from './status.ts'

/** What this process knows of itself. */
export interface OwnState {
  /** When it started, UTC milliseconds. */
  readonly startedAt: number
  /** Its own workers, as BullMQ has them. */
  readonly workers: readonly { readonly name: string; isRunning(): boolean }[]
}

/** A fleet without a round for so long is not at work, milliseconds. */
const LONGEST = 2 * 3_600_000

/** Why the fleet is not ready, a sentence each; empty: it is. */
export function notReady(status: FleetStatus, own: OwnState): string[] {
  const reasons: string[] = []
  const { broker, round, rounds, ledger, at, schedules } = status
  if (!broker.reachable) reasons.push(`the broker does not answer: ${broker.words ?? broker.name}`)
  const still = own.workers.filter((worker) => !worker.isRunning()).map(({ name }) => name)
  if (still.length > 0) reasons.push(`no worker runs here for ${still.join(', ')}`)
  const paused = schedules.some(({ schedule, paused }) => schedule === 'hourly' && paused)
  const last = round?.endedAt ?? own.startedAt
  if (rounds.due > 0 && !paused && at - last > LONGEST) {
    const hours = ((at - last) / 3_600_000).toFixed(1)
    reasons.push(`no round has ended for ${hours} hours, ${rounds.due} are due`)
  }
  if (ledger?.intact === false) reasons.push(`the ledger is broken: ${ledger.words ?? 'see `millrace integrity`'}`)
  return reasons
}

/** Whether anything is not as it should be; before the first round nothing is known to be wrong. */
export function isDegraded({ round, serving, broker, ledger }: FleetStatus): boolean {
  if (!broker.reachable || ledger?.intact === false) return true
  return round !== null && (round.degraded.length > 0 || round.state === 'failed' || serving.state !== 'healthy')
}
