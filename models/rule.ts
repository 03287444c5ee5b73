import { InputError } from '#data/errors.ts'
import type { Windows } from '#data/windows.ts'
import { REGIMES, type RegimeModel } from './regime.ts'

/**
 * The hand rule every model has to beat: chop while the 12 h return is small, else trend in a market calmer than
 * its own week, else reversal. The threshold was chosen on the eight core coins before 2025-03-28; the share of
 * right answers is what the rule reached there.
 */
export const HAND_RULE = { threshold: 0.55, volatility: 0 } as const

/** What the rule looks at, both at the last knot. */
const CHANNELS = ['return12', 'volatility'] as const

/** How often the rule is right when it says chop, trend, reversal; learned from the training fold. */
export type RuleConfidence = readonly [number, number, number]

/**
 * Answers of the rule, one regime index per window; a window whose last knot lacks a channel gets 255.
 *
 * @throws {InputError} where the windows do not carry the rule's channels
 */
export function applyRule(windows: Windows): Uint8Array {
  const [returnColumn, volatilityColumn] = CHANNELS.map((channel) => {
    const column = windows.channels.indexOf(channel)
    if (column < 0) throw new InputError(`the hand rule needs the channel "${channel}"`)
    return column
  })
  const width = windows.channels.length
  return Uint8Array.from({ length: windows.count }, (_, n) => {
    const last = ((n + 1) * windows.knots - 1) * width
    if (!windows.mask[last + returnColumn] || !windows.mask[last + volatilityColumn]) return 255
    if (Math.abs(windows.features[last + returnColumn]) < HAND_RULE.threshold) return 0
    return windows.features[last + volatilityColumn] < HAND_RULE.volatility ? 1 : 2
  })
}

/** Share of right answers for each regime the rule names, so that its probabilities mean something. */
export function fitRuleConfidence(answers: Uint8Array, labels: Uint8Array): RuleConfidence {
  const named = [0, 0, 0]
  const right = [0, 0, 0]
  answers.forEach((answer, i) => {
    if (answer >= REGIMES.length) return
    named[answer]++
    if (labels[i] === answer) right[answer]++
  })
  // Never below what keeps the named regime the most probable one.
  const share = (k: number) => Math.min(0.99, Math.max(0.34, named[k] > 0 ? right[k] / named[k] : 0))
  return [share(0), share(1), share(2)]
}

/** The rule as a model: the named regime gets its share of right answers, the other two halves of the rest. */
export function ruleModel(confidence: RuleConfidence): RegimeModel {
  return {
    name: 'rule',
    knots: 1,
    channels: CHANNELS,
    async estimate(windows) {
      const classes = REGIMES.length
      const probabilities = new Float32Array(windows.count * classes)
      applyRule(windows).forEach((answer, n) => {
        for (let k = 0; k < classes; k++) {
          const missing = answer >= classes
          const value = k === answer ? confidence[k] : (1 - confidence[answer]) / 2
          probabilities[n * classes + k] = missing ? Number.NaN : value
        }
      })
      return probabilities
    },
  }
}
