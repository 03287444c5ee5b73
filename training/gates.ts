import type { ServedKind } from '#models/regime.ts'

/** A lead in macro-F1 below this counts as none: less than what reruns with other seeds move it. */
export const SMALLEST_LEAD = 0.005

/** What a candidate must reach. */
export const THRESHOLDS = {
  /** Lower end of the 95 % interval of the lead over the hand rule, macro-F1. */
  ruleInterval: 0,
  /** Lead over the logistic regression, macro-F1. */
  logisticLead: SMALLEST_LEAD,
  /** Lead of the neural CDE over the HMM, macro-F1: of two equals the simpler one is to be shipped. */
  hmmLead: 0,
  /** Upper end of the 95 % interval of the lead over the present champion: of two equals the one that knows newer data. */
  championInterval: 0,
  /** Share of the least occupied class. */
  occupancy: 0.1,
  /** Changes of regime, in multiples of those of the labels. */
  churn: 1.5,
  /** Expected calibration error after calibration on validation. */
  ece: 0.05,
  /** Log-loss skill over the class frequencies, after calibration. */
  skill: 0,
  /** Deviation of macro-F1 from seed to seed. */
  seeds: 0.02,
  /** Hours without an answer. */
  unanswered: 0,
} as const

/** A lead with its 95 % interval. */
export interface Lead {
  readonly difference: number
  readonly low: number
  readonly high: number
}

/** What was measured on a candidate; a field is left out where the kind of evaluation cannot measure it. */
export interface CandidateMeasures {
  readonly candidate: ServedKind
  /** For people, with the macro-F1: `neural CDE (0.552)`. */
  readonly name: string
  readonly overRule: Lead
  readonly overLogistic: Lead
  readonly overHmm?: Lead
  /** Lead over the version of its kind that serves now. */
  readonly overChampion?: Lead
  /** Lead over the hand rule on the last test block alone. */
  readonly lastOverRule?: Lead
  readonly leastOccupied: number
  readonly churnPerDay: number
  readonly labelChurnPerDay: number
  readonly ece?: number
  readonly skill?: number
  readonly seedDeviation?: number
  readonly unanswered: number
}

/** One condition that a verdict rests on. */
export interface Gate {
  readonly candidate: ServedKind
  readonly name: string
  readonly threshold: number
  /** `NaN` where it could not be measured, which is not passed. */
  readonly measured: number
  readonly passed: boolean
  /** The condition with its figures, in words. */
  readonly detail: string
}

const signed = (value: number) =>
  Number.isNaN(value) ? 'not measured' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`
const percent = (value: number) => `${(value * 100).toFixed(1)} %`
const interval = ({ difference, low, high }: Lead) =>
  Number.isNaN(low)
    ? `${signed(difference)}, too few hours for an interval`
    : `${signed(difference)} [${signed(low)}, ${signed(high)}]`

/** Holds what was measured on a candidate against the thresholds. */
export function gatesOf(measures: CandidateMeasures): Gate[] {
  const { candidate, overRule, overLogistic, overHmm, lastOverRule, churnPerDay, labelChurnPerDay } = measures
  const gates: Gate[] = []
  const add = (name: string, threshold: number, measured: number, passed: boolean, detail: string) =>
    gates.push({ candidate, name, threshold, measured, passed, detail })
  const atLeast = (name: string, threshold: number, measured: number, detail: string) =>
    add(name, threshold, measured, measured >= threshold, detail)
  const atMost = (name: string, threshold: number, measured: number, detail: string) =>
    add(name, threshold, measured, measured <= threshold, detail)

  const t = THRESHOLDS
  const { low } = overRule
  add(
    'leads the hand rule',
    t.ruleInterval,
    low,
    low > t.ruleInterval,
    `lead over the hand rule ${interval(overRule)}: the whole interval must lie above ${t.ruleInterval}`,
  )
  if (lastOverRule) {
    const { difference } = lastOverRule
    add(
      'leads the hand rule on the last block',
      0,
      difference,
      difference > 0,
      `lead over the hand rule on the last test block ${interval(lastOverRule)}: must be above 0`,
    )
  }
  atLeast(
    'leads the logistic regression',
    t.logisticLead,
    overLogistic.difference,
    `lead over the logistic regression ${interval(overLogistic)}: at least ${t.logisticLead}`,
  )
  if (overHmm) {
    const { difference } = overHmm
    add(
      'leads the HMM',
      t.hmmLead,
      difference,
      difference > t.hmmLead,
      `lead over the HMM ${interval(overHmm)}: must be above ${t.hmmLead}, of two equals the simpler is shipped`,
    )
  }
  if (measures.overChampion) {
    const { difference, high } = measures.overChampion
    const measured = Number.isNaN(high) ? difference : high
    // Without an interval the lead itself is held against what reruns move it.
    const passed = Number.isNaN(high) ? difference > -SMALLEST_LEAD : high >= t.championInterval
    add(
      'is not worse than the champion',
      t.championInterval,
      measured,
      passed,
      `lead over the champion ${interval(measures.overChampion)}: the whole interval must not lie below ${t.championInterval}`,
    )
  }
  atLeast(
    'uses every regime',
    t.occupancy,
    measures.leastOccupied,
    `rarest regime in ${percent(measures.leastOccupied)} of the hours: at least ${percent(t.occupancy)}`,
  )
  const churn = churnPerDay / labelChurnPerDay
  atMost(
    'keeps its mind',
    t.churn,
    churn,
    `${churnPerDay.toFixed(1)} changes a day, ${churn.toFixed(2)} times those of the labels: at most ${t.churn} times`,
  )
  if (measures.ece !== undefined) {
    atMost(
      'is calibrated',
      t.ece,
      measures.ece,
      `expected calibration error ${measures.ece.toFixed(3)} after calibration: at most ${t.ece}`,
    )
  }
  if (measures.skill !== undefined) {
    add(
      'knows more than frequencies',
      t.skill,
      measures.skill,
      measures.skill > t.skill,
      `log-loss skill ${signed(measures.skill)} over the class frequencies: must be above ${t.skill}`,
    )
  }
  if (measures.seedDeviation !== undefined) {
    atMost(
      'depends little on the seed',
      t.seeds,
      measures.seedDeviation,
      `macro-F1 moves by ${measures.seedDeviation.toFixed(3)} from seed to seed: at most ${t.seeds}`,
    )
  }
  atMost(
    'answers every hour',
    t.unanswered,
    measures.unanswered,
    `${measures.unanswered} hours unanswered: none may be`,
  )
  return gates
}
