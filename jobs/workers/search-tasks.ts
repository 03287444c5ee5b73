import type { TrainingContext, TrainingRequest } from '#training/train.ts'

/**
 * What the workers of the `train` queue can do, by the `task` of a request; a request without one is a training. Only
 * the code of the task at hand is loaded.
 */
export async function train(request: object, context: TrainingContext): Promise<unknown> {
  const task = 'task' in request ? request.task : undefined
  if (task === 'model trial') return (await import('#training/search/model-trial.ts')).modelTrial(request, context)
  if (task === 'wheel trial') return (await import('./search-wheel.ts')).wheelTrial(request, context)
  return (await import('#training/train.ts')).train(request as TrainingRequest, context)
}
