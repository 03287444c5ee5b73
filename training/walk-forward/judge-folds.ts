import type { CandidateMeasures, Lead } from '../gates.ts'
import { judge, type Verdict } from '../verdict.ts'
import type { Contestant, Field } from './contestants.ts'
import type { Difference, Side } from './differences.ts'
import type { ContestantSummary, LabelSummary } from './summarise.ts'

const FIELD_NAMES: Record<Field, string> = { cde: 'plain field', cdeLinear: 'linear field' }

/**
 * The verdict on the two kinds that may be shipped, over the test blocks of all folds: the neural CDE with the field
 * that validation chose, and the HMM. Figures of single fits are means over folds and seeds.
 */
export function judgeFolds(
  contestants: Readonly<Record<Side, ContestantSummary>>,
  differences: readonly Difference[],
  labels: LabelSummary,
  field: Field,
  folds: number,
): Verdict {
  const measures = (candidate: 'cde' | 'hmm', name: string): CandidateMeasures => {
    const side: Side = candidate === 'cde' ? 'chosen' : 'hmm'
    const { all, seeds } = contestants[side]
    const lead = (second: Contestant, over: Difference['over']): Lead => {
      const found = differences.find((one) => one.first === side && one.second === second && one.over === over)
      return found ?? { difference: Number.NaN, low: Number.NaN, high: Number.NaN }
    }
    return {
      candidate,
      name: `${name} (${all.macroF1.mean.toFixed(3)})`,
      overRule: lead('rule', 'all'),
      lastOverRule: lead('rule', 'last'),
      overLogistic: lead('logistic', 'all'),
      ...(candidate === 'cde' && { overHmm: lead('hmm', 'all') }),
      leastOccupied: Math.min(...Object.values(contestants[side].occupancy)),
      churnPerDay: all.churnPerDay.mean,
      labelChurnPerDay: labels.churnPerDay,
      ece: all.eceCalibrated.mean,
      skill: all.skillCalibrated.mean,
      // One seed has no deviation: the gate is left out, and the sentence says how many there were.
      ...(seeds > 1 && { seedDeviation: all.macroF1.sdSeeds }),
      unanswered: contestants[side].fits.reduce((sum, fit) => sum + fit.unanswered, 0),
    }
  }
  const { seeds } = contestants.chosen
  const remark = `${folds} walk-forward ${folds === 1 ? 'fold' : 'folds'}, ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}.`
  return judge([measures('cde', `neural CDE with the ${FIELD_NAMES[field]}`), measures('hmm', 'HMM')], remark)
}
