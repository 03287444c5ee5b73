import type { BrokerWorker } from '../broker.ts'
import type { ProcessMetrics } from './metrics.ts'

/** Names of jobs are those of steps; whoever puts something else there must not fill the metrics. */
const MOST_NAMES = 40

/** The parts of a BullMQ job that are measured. */
interface MeasuredJob {
  readonly name: string
  readonly processedOn?: number
  readonly finishedOn?: number | null
}

/** Counts and times what `worker` does, from now on. */
export function observeWorker(
  worker: BrokerWorker<unknown, unknown>,
  { jobSeconds, jobsStalled }: ProcessMetrics,
): void {
  const queue = worker.name
  const names = new Set<string>()
  const observe = (job: MeasuredJob, outcome: 'completed' | 'retried' | 'failed') => {
    if (job.processedOn === undefined) return
    if (names.size < MOST_NAMES) names.add(job.name)
    const name = names.has(job.name) ? job.name : 'other'
    const seconds = ((job.finishedOn ?? Date.now()) - job.processedOn) / 1000
    jobSeconds.observe({ queue, name, outcome }, Math.max(0, seconds))
  }
  worker.on('completed', (job) => observe(job, 'completed'))
  // A job that vanished too often may be gone itself; it has an end only when there is no other attempt.
  worker.on('failed', (job) => job && observe(job, job.finishedOn ? 'failed' : 'retried'))
  worker.on('stalled', () => jobsStalled.inc({ queue }))
}
