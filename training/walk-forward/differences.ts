import type { Random } from '#data/random.ts'
import { BLOCK_HOURS } from '../evaluate-models.ts'
import { bootstrapMacroF1Difference } from '../statistics/bootstrap.ts'
import type { Contestant } from './contestants.ts'
import type { FieldChoice } from './field-choice.ts'
import { chosenRuns, pooledClasses, pooledSamples, type Run, type Runs, type TestBlock } from './test-blocks.ts'

/** Who is compared: a contestant, or the neural CDE with the field that validation chose. */
export type Side = Contestant | 'chosen'

/** How far one is ahead of another, in macro-F1. */
export interface Difference {
  readonly first: Side
  readonly second: Contestant
  /** On the last fold's test block, or on those of all folds together. */
  readonly over: 'last' | 'all'
  /** Mean over seeds of macro-F1, first minus second. */
  readonly difference: number
  /** 95 % interval; `NaN` where there are too few hours for one. */
  readonly low: number
  readonly high: number
  /** Two-sided, not corrected for the number of comparisons. */
  readonly p: number
  readonly hours: number
  readonly samples: number
}

const FIRST: readonly Side[] = ['chosen', 'cde', 'cdeLinear', 'gru', 'hmm']
const SECOND: readonly Contestant[] = ['rule', 'logistic', 'hmm']

/**
 * Paired moving-block bootstrap of every candidate against the hand rule, the logistic regression and the HMM.
 *
 * Seeds are pooled, not averaged into one answer: the score of a contestant is the mean over its seeds of macro-F1,
 * which is what one training may hope for; an average of five networks would be another, better model than the one
 * that is shipped. Seeds are drawn with replacement beside the hours.
 */
export function differences(
  blocks: readonly TestBlock[],
  runs: Runs,
  choices: readonly FieldChoice[],
  { resamples, random }: { readonly resamples: number; readonly random: Random },
): Difference[] {
  const sides: Record<Side, readonly Run[]> = {
    ...runs,
    chosen: chosenRuns(
      runs,
      choices.map(({ chosen }) => chosen),
    ),
  }
  const everything = [...blocks.keys()]
  const found: Difference[] = []
  for (const over of ['last', 'all'] as const) {
    const which = over === 'all' ? everything : everything.slice(-1)
    const { asOf, label } = pooledSamples(blocks, which)
    const classes = new Map<Side, Uint8Array[]>()
    for (const side of [...FIRST, ...SECOND]) {
      classes.set(
        side,
        sides[side].map((run) => pooledClasses(run, blocks, which)),
      )
    }
    for (const first of FIRST) {
      for (const second of SECOND) {
        if (first === second) continue
        const { difference, low, high, p, hours, samples } = bootstrapMacroF1Difference({
          asOf,
          label,
          first: classes.get(first)!,
          second: classes.get(second)!,
          blockHours: BLOCK_HOURS,
          resamples,
          random: random.fork(`${first} ${second} ${over}`),
        })
        found.push({ first, second, over, difference, low, high, p, hours, samples })
      }
    }
  }
  return found
}
