import { type Broker, openBroker } from '../broker.ts'
import { type Fleet, startFleet } from '../fleet.ts'
import type { RunContext, RunSettings } from './settings.ts'

/** A broker with worker processes of ours behind it. */
export interface RunningFleet {
  readonly broker: Broker
  readonly fleet: Fleet
  /** Aborts when the caller's signal does, or when no worker is left. */
  readonly signal: AbortSignal
}

/** Opens the broker, starts the workers, does `work`, and takes all of it down again, whatever happens. */
export async function withFleet<T>(
  settings: RunSettings,
  context: RunContext,
  work: (running: RunningFleet) => Promise<T>,
): Promise<T> {
  const { fleet: wanted, paths } = settings
  const { logger } = context
  context.progress({ stage: 'fleet', done: 0, total: 2, note: 'broker' })
  const { redisUrl, postgresUrl, namespace } = wanted
  const broker = await openBroker({ redisUrl, postgresUrl, namespace, stateDirectory: paths.state, logger })
  try {
    context.progress({ stage: 'fleet', done: 1, total: 2, note: `${wanted.workers} workers on ${broker.name}` })
    const fleet = await startFleet({
      broker,
      workers: wanted.workers,
      queues: ['train', 'infer'],
      concurrency: wanted.concurrency,
      modelsDirectory: paths.models,
      maxAgeDays: settings.maxAgeDays,
      threads: 1,
      logger,
    })
    context.progress({ stage: 'fleet', done: 2, total: 2, note: `${wanted.workers} workers on ${broker.name}` })
    try {
      const signal = context.signal ? AbortSignal.any([context.signal, fleet.lost]) : fleet.lost
      return await work({ broker, fleet, signal })
    } finally {
      await fleet.close()
    }
  } finally {
    await broker.close()
  }
}
