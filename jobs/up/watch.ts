import type { Logger } from 'pino'
import { firingRules } from '../alerts/alerts.ts'
import type { Broker, BrokerWorker } from '../broker.ts'
import type { FleetRecords } from '../records.ts'
import type { RunningRounds } from '../rounds/run-rounds.ts'
import type { Secrets } from '../secrets.ts'
import { paperLedger } from '../trading/ledgers.ts'
import { createBrokerLook, openFleetQueues } from '../watch/broker-look.ts'
import { createStatusCollector } from '../watch/collect.ts'
import { startHttp } from '../watch/http.ts'
import { createLedgerPeek } from '../watch/ledger-peek.ts'
import { createFleetMetrics } from '../watch/metrics.ts'
import { observeWorker } from '../watch/observe-worker.ts'
import { notReady } from '../watch/readiness.ts'
import { createRoster } from '../watch/roster.ts'
import type { FleetStatus } from '../watch/status.ts'
import type { RoundSource } from './rounds-of.ts'
import type { UpSettings } from './settings.ts'

export interface WatchDeps {
  readonly broker: Broker
  readonly records: FleetRecords
  readonly settings: UpSettings
  readonly rounds: RunningRounds
  readonly roundSource: RoundSource
  /** Workers of this process. */
  readonly workers: readonly BrokerWorker<unknown, unknown>[]
  readonly secrets: Secrets
  readonly startedAt: number
  readonly now: () => number
  readonly logger: Logger
}

/** What is to be seen of the fleet. */
export interface Watch {
  /** `http://127.0.0.1:9470` */
  readonly url: string
  readonly status: () => Promise<FleetStatus>
  close(): Promise<void>
}

/** Opens the HTTP end of the home: status, metrics, health, the board of queues. */
export async function startWatch(deps: WatchDeps): Promise<Watch> {
  const { broker, records, settings, rounds, roundSource, workers, secrets, startedAt, now, logger } = deps
  const queues = openFleetQueues(broker)
  // A replayed market is as old as its newest hour: its data are compared with that.
  const dataTime = roundSource.replayed ? () => records.rounds(1)[0]?.asOf ?? 0 : now
  const status = createStatusCollector({
    brokerName: broker.name,
    look: createBrokerLook(broker, queues, now),
    records,
    ledger: createLedgerPeek(paperLedger(settings.paths.state)),
    roster: createRoster(records, now),
    due: roundSource.replayed ? () => 0 : () => rounds.planner.due(),
    now,
    dataTime,
  })
  const metrics = createFleetMetrics(startedAt)
  for (const worker of workers) observeWorker(worker, metrics)
  const token = secrets.values.MILLRACE_TOKEN
  const http = await startHttp({
    host: settings.watch.host,
    port: settings.watch.port,
    logger,
    queues,
    status,
    ready: async () => notReady(await status(), { startedAt, workers }),
    metrics: async () => {
      metrics.update(await status(), records, firingRules(records))
      return metrics.registry
    },
    ...(token && { token }),
  })
  return { url: http.url, status, close: () => http.close() }
}
