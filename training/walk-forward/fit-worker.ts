import { workerData } from 'node:worker_threads'
import { MillraceError } from '#data/errors.ts'
import { type Fit, type FitData, type FitTask, runFit } from './fit.ts'

/** Thread of the fits of an evaluation (`fit-pool.ts`): its data come with it, its tasks one by one. */

/** How a fit ended; a failure of the model is an answer, anything else is thrown. */
export type FitOutcome = { readonly fit: Fit } | { readonly failure: string }

const data = workerData[1] as FitData

export default async function work(task: FitTask): Promise<FitOutcome> {
  try {
    return { fit: await runFit(data, task) }
  } catch (error) {
    if (error instanceof MillraceError && error.action === 'fail-closed') return { failure: error.message }
    throw error
  }
}
