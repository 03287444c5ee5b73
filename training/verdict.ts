import { SERVED_KINDS, type ServedKind } from '#models/regime.ts'
import type { Evaluation } from './evaluation.ts'
import { type CandidateMeasures, type Gate, gatesOf } from './gates.ts'

/** What is to be shipped, and every condition that this rests on. */
export interface Verdict {
  readonly ship: ServedKind | 'none'
  /** A kind that passes its own gates beside the one shipped, and may stand in where that one cannot serve. */
  readonly fallback?: ServedKind
  readonly sentence: string
  readonly gates: readonly Gate[]
}

/** Name of the version that serves now, in an evaluation of one that is to follow it. */
export function championName(kind: ServedKind): string {
  return `champion ${kind}`
}

const NAMES: Record<ServedKind, string> = { cde: 'neural CDE', hmm: 'HMM' }

/**
 * Ships the first candidate that passes all of its gates, the neural CDE before the HMM; none where neither does.
 *
 * @param candidates in the order in which they are preferred
 * @param remark how far this verdict carries; ends the sentence
 */
export function judge(candidates: readonly CandidateMeasures[], remark: string): Verdict {
  const judged = candidates.map((measures) => ({ measures, gates: gatesOf(measures) }))
  const gates = judged.flatMap((one) => one.gates)
  const fit = judged.filter((one) => one.gates.every(({ passed }) => passed))
  const [best, second] = fit
  if (best) {
    const { candidate, name } = best.measures
    const others = judged.filter((one) => !fit.includes(one)).map((one) => ` ${whyNot(one)}`)
    return {
      ship: candidate,
      ...(second && { fallback: second.measures.candidate }),
      sentence: `Ship the ${name}: it passes all ${best.gates.length} gates.${others.join('')} ${remark}`,
      gates,
    }
  }
  const reasons = judged.length > 0 ? judged.map(whyNot).join(' ') : 'Neither CDE nor HMM gave an answer.'
  return { ship: 'none', sentence: `Ship none. ${reasons} ${remark}`, gates }
}

function whyNot({
  measures,
  gates,
}: {
  readonly measures: CandidateMeasures
  readonly gates: readonly Gate[]
}): string {
  const failed = gates.filter(({ passed }) => !passed)
  return `The ${measures.name} fails ${failed.length} of ${gates.length}: ${failed.map(({ detail }) => detail).join('; ')}.`
}

/**
 * The verdict on checkpoints that were compared on one test period: the gates that can be told there, the bootstrap
 * among them. Other seeds and other periods are not in it (`walk-forward/` has them), and the sentence says so.
 */
export function verdict(evaluation: Evaluation): Verdict {
  const { models } = evaluation
  const present = SERVED_KINDS.filter((kind) => kind in models && models[kind].answered > 0)
  const baselines = ['rule', 'linear'].filter((model) => model in models && models[model].answered > 0)
  const remark = 'One test period and one seed: see `evaluate` for more of both.'
  if (present.length > 0 && baselines.length < 2) {
    return { ship: 'none', sentence: `Ship none: a baseline to compare with was not measured. ${remark}`, gates: [] }
  }
  return judge(
    present.map((kind) => measuresOf(evaluation, kind, present)),
    remark,
  )
}

function measuresOf(evaluation: Evaluation, kind: ServedKind, present: readonly ServedKind[]): CandidateMeasures {
  const { models, labels, differences = [] } = evaluation
  const score = models[kind]
  const lead = (over: string) => {
    const found = differences.find(({ first, second }) => first === kind && second === over)
    return found ?? { difference: score.macroF1 - models[over].macroF1, low: Number.NaN, high: Number.NaN }
  }
  return {
    candidate: kind,
    name: `${NAMES[kind]} (${score.macroF1.toFixed(3)})`,
    overRule: lead('rule'),
    overLogistic: lead('linear'),
    ...(kind === 'cde' && present.includes('hmm') && { overHmm: lead('hmm') }),
    ...((models[championName(kind)]?.answered ?? 0) > 0 && { overChampion: lead(championName(kind)) }),
    leastOccupied: Math.min(...Object.values(score.occupancy)),
    churnPerDay: score.churnPerDay,
    labelChurnPerDay: labels.churnPerDay,
    ...(score.calibrated && { ece: score.calibrated.ece, skill: score.calibrated.skill }),
    unanswered: score.unanswered,
  }
}
