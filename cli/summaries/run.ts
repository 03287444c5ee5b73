import type { RunSummary } from '#jobs/pipeline/run.ts'
import { decimal, layOut, minute } from '../table.ts'
import { describeInference } from './infer.ts'
import { describeScores } from './scores.ts'
import { describeWheel } from './wheel.ts'

/** Which of the new versions serve from now on. */
function describePromotions(promotion: RunSummary['promotion']): string {
  const promoted = Object.values(promotion).filter((one) => one.promoted)
  const names = promoted.map(
    ({ kind, id, role }) => `${kind} ${id} (${role === 'fallback' ? 'stands by' : 'serves first'})`,
  )
  return names.join(', ') || 'as they were: what was trained is challenger only'
}

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
    ['champions', describePromotions(run.promotion)],
    ['seconds', `${decimal(total, 0)} (${stages.join(', ')})`],
  ])
  return `${describeScores(evaluation)}\n\n${facts}\n\nreport: ${run.report.html}`
}
