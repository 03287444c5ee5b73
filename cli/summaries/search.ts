import type { SearchSummary } from '#jobs/pipeline/search.ts'
import { conclusion } from '#training/report/search/page.ts'
import { asFlags, asYaml, brief } from '#training/report/search/settings.ts'
import { decimal, layOut, minute } from '../table.ts'

const HOURS_A_YEAR = 365 * 24

/** What was found, ready to be pasted into a command or a file. */
export function describeSearch(summary: SearchSummary): string {
  const { best, inForce, trials, counts, significance, validation, objective } = summary
  const before = inForce && trials[0].parameters
  const rows = Object.entries(best.settings).map(([name, value]) => {
    const was = before?.[name]
    return [name, brief(value), was === undefined ? '-' : brief(was)]
  })
  const { deflatedSharpe, overfitting, selection } = significance ?? {}
  const facts = layOut([
    ['objective', `${objective}, ${minute(validation.from)} to ${minute(validation.to)}`],
    ['best', `${decimal(best.value, 4)} (trial ${best.number})`],
    ...(inForce ? [['in force', `${decimal(inForce.value, 4)} (trial 0)`]] : []),
    ['trials', `${counts.trials}: ${counts.complete} complete, ${counts.pruned} pruned, ${counts.failed} failed`],
    ...(deflatedSharpe
      ? [['deflated Sharpe ratio', `${decimal(deflatedSharpe.deflated)} (from 0.95 on more than luck)`]]
      : []),
    ...(overfitting ? [['probability of overfitting', `${decimal(overfitting.probability)} (0.5 is pure luck)`]] : []),
    ...(selection
      ? [['chosen by the past', `${decimal(selection.sharpe * Math.sqrt(HOURS_A_YEAR))} a year, block after block`]]
      : []),
  ])
  return [
    layOut([['setting', 'best', 'in force'], ...rows]),
    facts,
    conclusion(summary).sentence,
    `as flags:\n${asFlags(best.settings)}`,
    `as YAML:\n${asYaml(best.settings)}`,
    `report: ${summary.report}`,
  ].join('\n\n')
}
