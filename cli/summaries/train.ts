import type { TrainSummary } from '#jobs/pipeline/train.ts'
import { decimal, layOut } from '../table.ts'

/** The new checkpoints, and whether they serve. */
export function describeTraining({
  source,
  backend,
  verdict,
  macroF1,
  models,
  failures,
  degradations,
}: TrainSummary): string {
  const rows = Object.entries(models).map(([kind, { id, promoted, role, forced, reason, maxAbsDiff, seconds }]) => [
    kind,
    id,
    promoted ? `champion (${[role, forced && 'forced'].filter(Boolean).join(', ')})` : 'challenger',
    reason,
    maxAbsDiff.toExponential(1),
    decimal(seconds, 1),
  ])
  const table = layOut([['model', 'version', 'state', 'because', 'ONNX differs by', 'seconds'], ...rows])
  const trainedOn = backend === null ? '' : `\nbackend ${backend.name}: ${backend.reason}`
  const failed = Object.entries(failures).map(([kind, why]) => `\nno new ${kind}: ${why}`)
  const scores = Object.entries(macroF1).map(([model, value]) => `${model} ${decimal(value)}`)
  const judged = `verdict ${verdict.id}: ${verdict.sentence}\nmacro-F1 on the test period: ${scores.join(', ')}`
  const waiting = Object.values(models).filter(({ promoted }) => !promoted)
  const advice = waiting.map(({ id }) => `\nall the same: millrace models promote ${id} --force --reason "..."`)
  const degraded = degradations.map((words) => `\n${words}`)
  return `${table}${failed.join('')}${degraded.join('')}\n\n${judged}${advice.join('')}\n\nsource ${source}${trainedOn}`
}
