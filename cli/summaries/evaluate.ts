import type { EvaluateSummary } from '#jobs/pipeline/evaluate.ts'
import { layOut, minute } from '../table.ts'
import { describeScores } from './scores.ts'

/** The champions beside the baselines, and who is best on each coin. */
export function describeEvaluation(summary: EvaluateSummary): string {
  const { source, coins, range, testFrom, models, evaluation, verdict } = summary
  const best = Object.entries(evaluation.winners).map(([coin, winner]) => `${coin} ${winner.models.join('=') || '-'}`)
  const facts = layOut([
    [
      'data',
      `${source}, ${coins.join(' ')}, ${minute(range.from)} to ${minute(range.to)}, tested from ${minute(testFrom)}`,
    ],
    ['models', Object.values(models).join(', ') || 'none'],
    ['best', best.join(', ')],
    ['verdict', verdict.sentence],
  ])
  const { optimum } = evaluation
  return `${describeScores({ ...evaluation.models, ...(optimum && { optimum }) })}\n\n${facts}`
}
