import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { FleetRecords, RoundRecord } from '../records.ts'
import { isDegraded } from './readiness.ts'
import type { FleetStatus, ServingState } from './status.ts'

/**
 * Metrics of one process in a registry of its own, as Prometheus has them: `millrace_` in front, base units, `_total`
 * for counters, no label whose values grow with coins, hours or jobs
 * (https://prometheus.io/docs/practices/naming).
 */
export interface ProcessMetrics {
  readonly registry: Registry
  /** See `observe-worker.ts`. */
  readonly jobSeconds: Histogram<'queue' | 'name' | 'outcome'>
  readonly jobsStalled: Counter<'queue'>
}

/** A millisecond to an hour: a batch of inference and a training alike. */
const JOB_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]
const ROUND_BUCKETS = [0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 10, 20, 60, 300, 900]
const STEP_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 900]

/** Records that are read at a time. */
const NEWEST = 48

/** Gauges whose names end in `_total`, as only a counter's may; what they count is of no use here. */
const MISNAMED = ['active_resources', 'active_handles', 'active_requests'].map(
  (name) => `millrace_nodejs_${name}_total`,
)

/** What every process has: itself, and the jobs that its workers do. */
export function createProcessMetrics(): ProcessMetrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'millrace_' })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  return {
    registry,
    jobSeconds: new Histogram({
      name: 'millrace_job_seconds',
      help: 'Time that a worker of this process spent on a job, by how the attempt ended.',
      labelNames: ['queue', 'name', 'outcome'],
      buckets: JOB_BUCKETS,
      registers: [registry],
    }),
    jobsStalled: new Counter({
      name: 'millrace_jobs_stalled_total',
      help: 'Jobs that were found without their worker and given to another.',
      labelNames: ['queue'],
      registers: [registry],
    }),
  }
}

/** What is exposed of the whole fleet by the home process. */
export interface FleetMetrics extends ProcessMetrics {
  /**
   * Sets everything that a status tells, and observes the rounds that have ended since the last call.
   *
   * @param firing how many alerts of each rule are firing
   */
  update(
    status: FleetStatus,
    records: Pick<FleetRecords, 'rounds' | 'retrainings'>,
    firing?: ReadonlyMap<string, number>,
  ): void
}

const SERVING: readonly ServingState[] = ['healthy', 'fallback', 'none']

/** @param since rounds that ended before this are not observed: an earlier process did; UTC milliseconds */
export function createFleetMetrics(since: number): FleetMetrics {
  const own = createProcessMetrics()
  const { registry } = own
  const registers = [registry]
  const gauge = <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
    new Gauge({ name: `millrace_${name}`, help, labelNames, registers })
  const counter = <L extends string = never>(name: string, help: string, labelNames: L[] = []) =>
    new Counter({ name: `millrace_${name}`, help, labelNames, registers })

  const up = gauge('broker_reachable', 'Whether the broker answers: 1 or 0.')
  const queueJobs = gauge('queue_jobs', 'Jobs in a queue by state.', ['queue', 'state'])
  const queueOldest = gauge('queue_oldest_seconds', 'Age of the oldest waiting job; 0 where none waits.', ['queue'])
  const queuePaused = gauge('queue_paused', 'Whether a queue is paused: 1 or 0.', ['queue'])
  const workers = gauge('workers', 'Workers that listen to a queue.', ['queue'])
  const lostWorkers = gauge('lost_workers', 'Workers that went without a farewell.')
  const deadLetters = gauge('dead_letters', 'Jobs that failed for good and wait for somebody to look.')
  const windows = counter('windows_inferred_total', 'Windows that rounds had estimated.')
  const inferSeconds = counter('infer_seconds_total', 'Time that workers spent on estimating for rounds.')
  const rounds = counter('rounds_total', 'Rounds by how they ended.', ['outcome'])
  const roundsDue = gauge('rounds_due', 'Rounds that should have ended and have not.')
  const lastRound = gauge('round_last_end_timestamp_seconds', 'When the newest round ended.')
  const roundSeconds = new Histogram({
    name: 'millrace_round_seconds',
    help: 'Time from the beginning of a round to its end.',
    buckets: ROUND_BUCKETS,
    registers,
  })
  const stepSeconds = new Histogram({
    name: 'millrace_round_step_seconds',
    help: 'Time that each step of a round took.',
    labelNames: ['step'],
    buckets: STEP_BUCKETS,
    registers,
  })
  const model = gauge('model_info', 'The model that served in the newest round; always 1.', ['kind', 'id'])
  const modelAge = gauge('model_age_seconds', 'Age of the model that served in the newest round.')
  const dataAge = gauge('data_age_seconds', 'Age of the newest bar of any coin.')
  const degraded = gauge('degraded', 'Whether anything about the newest round was not as it should be: 1 or 0.')
  const state = gauge('serving_state', 'How well the fleet serves: 1 for the state that it is in.', ['state'])
  const equity = gauge('ledger_equity_dollars', 'Equity at the last full hour.')
  const drawdown = gauge('ledger_drawdown_ratio', 'Share of the highest equity that is lost now.')
  const events = gauge('ledger_events', 'Events in the ledger.')
  const intact = gauge('ledger_intact', 'Whether the ledger held together when it was last checked: 1 or 0.')
  const retrained = gauge('retraining_last_success_timestamp_seconds', 'When a retraining last ended well.')
  const retrainingOk = gauge('retraining_ok', 'Whether the newest retraining ended well: 1 or 0.')
  const firingAlerts = gauge('alerts_firing', 'Alerts that are firing, by rule.', ['rule'])
  const observed = new Set<number>()

  /** A gauge of what is not known is left out: a 0 would be a lie. */
  const put = (one: Gauge<never>, value: number | null | undefined) => {
    if (value === null || value === undefined || Number.isNaN(value)) one.remove()
    else one.set(value)
  }
  /** What records count goes on counting over restarts. */
  const count = <L extends string>(one: Counter<L>, value: number, labels: Partial<Record<L, string>> = {}) => {
    one.remove(labels as never)
    one.inc(labels as never, value)
  }

  const putQueues = (status: FleetStatus) => {
    for (const one of [queueJobs, queueOldest, queuePaused, workers]) one.reset()
    for (const { queue, oldestSeconds, paused, workers: listening, waitingChildren, ...counts } of status.queues) {
      for (const name of ['waiting', 'active', 'delayed', 'failed'] as const) {
        queueJobs.set({ queue, state: name }, counts[name])
      }
      queueJobs.set({ queue, state: 'waiting-children' }, waitingChildren)
      queueOldest.set({ queue }, oldestSeconds ?? 0)
      queuePaused.set({ queue }, Number(paused))
      workers.set({ queue }, listening)
    }
  }
  const observeRounds = (newest: readonly RoundRecord[]) => {
    for (const { asOf, startedAt, endedAt, state: how, steps } of newest) {
      if (endedAt === null || endedAt < since || how === 'running' || how === 'skipped' || observed.has(asOf)) continue
      observed.add(asOf)
      roundSeconds.observe((endedAt - startedAt) / 1000)
      for (const [step, milliseconds] of Object.entries(steps)) stepSeconds.observe({ step }, milliseconds / 1000)
    }
    // Only the newest are ever given: older hours need not be remembered.
    const oldest = Math.min(...newest.map(({ asOf }) => asOf))
    for (const asOf of observed) if (asOf < oldest) observed.delete(asOf)
  }

  return {
    ...own,
    update(status, records, firing) {
      up.set(Number(status.broker.reachable))
      putQueues(status)
      lostWorkers.set(status.lostWorkers.length)
      put(deadLetters, status.deadLetters)
      count(windows, status.inferred.windows)
      count(inferSeconds, status.inferred.seconds)
      const { done, degraded: impaired, failed, skipped, due } = status.rounds
      count(rounds, done - impaired, { outcome: 'done' })
      count(rounds, impaired, { outcome: 'degraded' })
      count(rounds, failed, { outcome: 'failed' })
      count(rounds, skipped, { outcome: 'skipped' })
      roundsDue.set(due)
      put(lastRound, status.round && status.round.endedAt / 1000)
      observeRounds(records.rounds(NEWEST))
      const [kind, id = ''] = status.serving.model.split(' ')
      model.reset()
      model.set({ kind, id }, 1)
      put(modelAge, status.serving.modelAgeSeconds)
      put(dataAge, status.data.ageSeconds)
      degraded.set(Number(isDegraded(status)))
      for (const one of SERVING) state.set({ state: one }, Number(one === status.serving.state))
      put(equity, status.ledger?.equity)
      put(drawdown, status.ledger?.drawdown)
      put(events, status.ledger?.events)
      put(intact, status.ledger?.intact == null ? null : Number(status.ledger.intact))
      const succeeded = records.retrainings(NEWEST).find(({ ok }) => ok)?.endedAt
      put(retrained, succeeded && succeeded / 1000)
      put(retrainingOk, status.retraining && Number(status.retraining.ok))
      firingAlerts.reset()
      for (const [rule, alerts] of firing ?? []) firingAlerts.set({ rule }, alerts)
    },
  }
}
