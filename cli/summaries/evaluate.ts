import type { EvaluateSummary } from '#jobs/pipeline/evaluate.ts'
import { decimal, layOut, minute } from '../table.ts'

/** Contestants as they are called in a table, in its order. */
const NAMES = {
  chosen: 'CDE, chosen field',
  cde: 'CDE, plain',
  cdeLinear: 'CDE, linear',
  hmm: 'HMM',
  gru: 'GRU',
  logistic: 'logistic',
  rule: 'hand rule',
} as const

/** Every contestant over all folds and on the last, the gates of the verdict, and how the champions do. */
export function describeEvaluation(summary: EvaluateSummary): string {
  const { source, coins, range, testFrom, walkForward, verdict, aims, champions, report } = summary
  const { contestants, folds, seeds, winners, fits } = walkForward
  const scores = layOut([
    ['model', 'macro-F1', '±', '± seeds', 'last fold', 'log-loss', 'ECE', 'changes a day'],
    ...Object.entries(NAMES).map(([key, name]) => {
      const { all, last } = contestants[key as keyof typeof NAMES]
      return [
        name,
        decimal(all.macroF1.mean),
        decimal(all.macroF1.sd),
        decimal(all.macroF1.sdSeeds),
        decimal(last.macroF1.mean),
        decimal(all.logLossCalibrated.mean),
        decimal(all.eceCalibrated.mean),
        decimal(all.churnPerDay.mean, 1),
      ]
    }),
  ])
  const failed = verdict.gates.filter(({ passed }) => !passed)
  const best = Object.entries(winners).map(([coin, { last }]) => `${coin} ${last || '-'}`)
  const facts = layOut([
    [
      'data',
      `${source}, ${coins.join(' ')}, ${minute(range.from)} to ${minute(range.to)}, last tested from ${minute(testFrom)}`,
    ],
    ['fits', `${fits.done}: ${folds.length} folds, ${seeds.length} seeds; ${fits.fromCache} kept from before`],
    ['best', best.join(', ')],
    ['gates', `${verdict.gates.length - failed.length} of ${verdict.gates.length} passed`],
    ...(aims ? [['aims', `${aims.filter(({ met }) => met).length} of ${aims.length} met`]] : []),
    ['champions', champions.verdict?.sentence ?? `not scored: ${champions.remark}`],
    ['verdict', verdict.sentence],
    ['report', report.html],
  ])
  return `${scores}\n\n${facts}`
}
