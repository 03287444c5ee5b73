import type { BrokerQueue } from '../broker.ts'
import type { TrainJob } from '../queues.ts'
import type { RetrainingDeps } from './deps.ts'
import { type RetrainingJob, retrainingStepId } from './flow.ts'
import { openProgress } from './progress.ts'
import { trainingsOf } from './train-step.ts'

/** The queues that a retraining lives on. */
export interface RetrainingQueues {
  readonly retrain: BrokerQueue<RetrainingJob, unknown>
  readonly train: BrokerQueue<TrainJob, unknown>
}

/** How long trainings may wait for a worker, milliseconds: then the next retraining is there. */
const LONGEST = 20 * 3_600_000
/** Records that are looked through for one without an end. */
const RECENT = 30

/**
 * Ends what was left without an end: a retraining whose job the broker has given up or forgotten gets its end in the
 * records, and one whose trainings nobody has taken for most of a day is cancelled.
 *
 * @param present the retraining that is under way, left alone
 */
export async function closeLost(
  { records, now, logger }: Pick<RetrainingDeps, 'records' | 'now' | 'logger'>,
  queues: RetrainingQueues,
  present?: string,
): Promise<void> {
  const open = records.retrainings(RECENT).filter(({ endedAt, flow }) => endedAt === null && flow !== present)
  for (const record of open) {
    const root = await queues.retrain.getJob(retrainingStepId(record.flow, 'promote'))
    const state = root ? await root.getState() : 'unknown'
    const through = openProgress(records, record.flow, now).result('promote')
    if (through) {
      records.putRetraining({ ...record, endedAt: now(), ...through })
    } else if (!root || state === 'failed' || state === 'unknown') {
      const why = root?.failedReason || 'the broker has forgotten it'
      const words = `lost while ${record.words}: ${why}. The champions stay as they were`
      logger.error({ flow: record.flow }, `${record.flow}: ${words}`)
      records.putRetraining({ ...record, endedAt: now(), ok: false, words })
    } else if (now() - record.startedAt > LONGEST) {
      logger.error({ flow: record.flow }, `${record.flow}: cancelled: it has not ended in ${LONGEST / 3_600_000} hours`)
      await cancelRetraining(queues, root.data)
    }
  }
}

/**
 * Ends the trainings of a retraining: those that wait are taken back, those that run are told to end. What has been
 * trained before goes its way; without any the retraining fails.
 *
 * @returns how many were open
 */
export async function cancelRetraining({ train }: RetrainingQueues, request: RetrainingJob): Promise<number> {
  let open = 0
  for (const { id } of trainingsOf(request)) {
    const job = await train.getJob(id)
    if (!job) continue
    const state = await job.getState()
    if (state === 'completed' || state === 'failed') continue
    open++
    // A worker may take it at this moment: then it is told, like those that run.
    if (state !== 'active' && (await train.remove(id)) === 1) continue
    await job.updateData({ ...job.data, cancelled: true })
  }
  return open
}
