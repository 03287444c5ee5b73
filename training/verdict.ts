import type { Evaluation } from './evaluation.ts'

/** A lead in macro-F1 below this counts as none: less than what reruns with other seeds move it. */
export const SMALLEST_LEAD = 0.005

/** Names for people; a model without one is shown by its key. */
const NAMES: Record<string, string> = { cde: 'neural CDE', hmm: 'HMM', rule: 'hand rule', linear: 'linear model' }
/** What may be shipped, and what it must beat to be worth it. */
const CANDIDATES = ['cde', 'hmm']
const BASELINES = ['rule', 'linear']

/** Which model the macro-F1 speaks for, with the reason in one sentence. */
export interface Verdict {
  readonly ship: string | 'none'
  readonly sentence: string
}

/**
 * Reads the evaluation in one sentence: ship the better of CDE and HMM if it leads both baselines by
 * {@link SMALLEST_LEAD} in macro-F1, has not collapsed and answered every hour; otherwise ship none. A comparison
 * of numbers, not yet a significance test, and the sentence says so.
 */
export function verdict({ models }: Evaluation): Verdict {
  const name = (model: string) => `${NAMES[model] ?? model} (${models[model].macroF1.toFixed(3)})`
  const list = (names: string[]) => names.map(name).join(' and ')
  const caveat = 'Macro-F1 on one test period, not yet a significance test.'
  const byScore = (a: string, b: string) => models[b].macroF1 - models[a].macroF1
  const measured = (model: string) => model in models && models[model].answered > 0
  const best = CANDIDATES.filter(measured).sort(byScore)[0]
  const baselines = BASELINES.filter(measured).sort(byScore)
  if (best === undefined) return { ship: 'none', sentence: 'Ship none: neither CDE nor HMM gave an answer.' }
  if (baselines.length === 0) {
    return { ship: 'none', sentence: `Ship none: no baseline was measured to compare ${name(best)} with. ${caveat}` }
  }

  const ahead = baselines.filter((model) => models[model].macroF1 > models[best].macroF1 - SMALLEST_LEAD)
  const flaws = [
    ...(ahead.length > 0 ? [`it does not lead the ${list(ahead)} by ${SMALLEST_LEAD}`] : []),
    ...(models[best].collapsed ? ['it has in effect given up one regime'] : []),
    ...(models[best].unanswered > 0 ? [`it left ${models[best].unanswered} hours unanswered`] : []),
  ]
  const rival = CANDIDATES.find((model) => model !== best && measured(model))
  if (flaws.length > 0) {
    return {
      ship: 'none',
      sentence: `Ship none: the best candidate is the ${name(best)}, but ${join(flaws)}. ${caveat}`,
    }
  }
  const beaten = [...baselines, ...(rival ? [rival] : [])].map((model) => `the ${name(model)}`)
  return { ship: best, sentence: `Ship the ${name(best)}: it leads ${join(beaten)}. ${caveat}` }
}

function join(parts: string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}
