import { HOUR } from '#data/bars.ts'
import type { Broker, BrokerWorker } from '../broker.ts'
import { retrainingFlow, type ScheduleName } from '../fleet-queues.ts'
import type { RunContext } from '../pipeline/settings.ts'
import type { FleetRecords } from '../records.ts'
import { retrainingRequest } from '../retraining/flow.ts'
import { addRetraining } from '../retraining/once.ts'
import type { RunningRetraining } from '../retraining/run-retraining.ts'
import type { RunningRounds } from '../rounds/run-rounds.ts'
import { BY_HAND, type Timing } from '../schedules.ts'
import type { RoundSource } from './rounds-of.ts'
import type { UpSettings } from './settings.ts'

/** A local source has its next hour ready when asked; a tick this often at least looks after it, milliseconds. */
const LEAST_TICK = 1000

/** When the schedules tick: a replayed source at its own pace, an exchange after each full hour. */
export function timings({ rounds, retraining }: UpSettings, { replayed }: RoundSource): Record<ScheduleName, Timing> {
  const minutes = Math.floor(rounds.graceSeconds / 60)
  return {
    hourly: replayed
      ? { every: Math.max(LEAST_TICK, 1000 * rounds.pace) }
      : { pattern: `${Math.floor(rounds.graceSeconds % 60)} ${minutes} * * * *` },
    daily: { pattern: retraining.cron },
  }
}

/** Takes the ticks of the schedules: each says what is to be done and leaves doing it to others. */
export function startTicks(
  broker: Broker,
  rounds: RunningRounds,
  retrainings: RunningRetraining,
  records: FleetRecords,
  { retraining }: UpSettings,
  { replayed }: RoundSource,
  { now, logger }: Pick<RunContext, 'now' | 'logger'>,
): BrokerWorker<unknown, unknown>[] {
  const hourly = broker.createWorker<unknown, unknown>('hourly', () => rounds.planner.plan())
  const daily = broker.createWorker<unknown, unknown>('daily', async (job) => {
    await retrainings.closeLost()
    const [last] = records.retrainings(1)
    if (last !== undefined && last.endedAt === null) return { waits: `${last.flow} is under way: ${last.words}` }
    const flow = retrainingFlow(now(), job.name === BY_HAND)
    // A replayed market knows nothing beyond the hour that it has come to.
    const asOf = replayed ? (records.rounds(1)[0]?.asOf ?? 0) : Math.floor(now() / HOUR) * HOUR
    await addRetraining(broker, flow, retrainingRequest(retraining, asOf))
    logger.info({ flow }, `retraining ${flow} begins`)
    return { begun: flow }
  })
  for (const worker of [hourly, daily]) {
    worker.on('failed', (job, error) =>
      logger.error({ job: job?.id }, `a tick of ${worker.name} failed: ${error.message}`),
    )
  }
  return [hourly, daily]
}
