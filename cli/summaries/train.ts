import type { TrainSummary } from '#jobs/pipeline/train.ts'
import { decimal, layOut } from '../table.ts'

/** The new checkpoints, and whether they serve. */
export function describeTraining({ source, backend, models, failures }: TrainSummary): string {
  const rows = Object.entries(models).map(([kind, { id, promoted, reason, maxAbsDiff, seconds }]) => [
    kind,
    id,
    promoted ? 'champion' : 'not promoted',
    reason,
    maxAbsDiff.toExponential(1),
    decimal(seconds, 1),
  ])
  const table = layOut([['model', 'version', 'state', 'because', 'ONNX differs by', 'seconds'], ...rows])
  const trainedOn = backend === null ? '' : `\nbackend ${backend.name}: ${backend.reason}`
  const failed = Object.entries(failures).map(([kind, why]) => `\nno new ${kind}: ${why}`)
  return `${table}${failed.join('')}\n\nsource ${source}${trainedOn}`
}
