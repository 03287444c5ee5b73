import type { RunSummary } from '#jobs/pipeline/run.ts'
import { decimal, layOut, minute } from '../table.ts'
import { describeInference } from './infer.ts'
import { describeScores } from './scores.ts'
import { describeWheel } from './wheel.ts'

/** The end of a run, for people; the last line says where the report is. */
export function describeRun(run: RunSummary): string {
  const { coins, range, testFrom, evaluation, inference, backend, seconds } = run
  const total = Object.values(seconds).reduce((sum, value) => sum + value, 0)
  const stages = Object.entries(seconds).map(([stage, value]) => `${stage} ${decimal(value, 0)}`)
  const facts = layOut([
    ['source', `${run.source} (${run.sourceReason})`],
    ['data', `${coins.join(' ')}, ${minute(range.from)} to ${minute(range.to)}, tested from ${minute(testFrom)}`],
    ['training', `${backend.name} (${backend.reason})`],
    ['fleet', describeInference(inference)],
    ['wheel', describeWheel(run.wheel)],
    ['verdict', run.verdict.sentence],
    ['seconds', `${decimal(total, 0)} (${stages.join(', ')})`],
  ])
  return `${describeScores(evaluation)}\n\n${facts}\n\nreport: ${run.report.html}`
}
