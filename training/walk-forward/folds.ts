import { HOUR, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { hourText } from '#data/providers/series.ts'
import type { Split } from '../splits.ts'

/** One step of a walk-forward: everything before an instant, and the block behind it. */
export interface Fold extends Split {
  /** 1, 2, ... in the order of time. */
  readonly fold: number
  /** Hours between the last that anything was fitted to and the first of the test block. */
  readonly embargoHours: number
}

export interface FoldOptions {
  /** Folds that are wanted; fewer come back where the range is too short for them. */
  readonly folds: number
  readonly embargoHours: number
  /** Where the last test block begins; the last fifth of the range unless given. */
  readonly testFrom?: number
}

const TEST_SHARE = 0.2
/** Of the time before the last test block, what the first fold learns from and no fold is tested on. */
const FIRST_HISTORY_SHARE = 1 / 3
const VALIDATION_SHARE = 0.1
/** A short history does not spend more than this share of itself on the embargo. */
const LARGEST_EMBARGO_SHARE = 1 / 8

const toHour = (time: number) => Math.round(time / HOUR) * HOUR

/**
 * Expanding-window walk-forward over `range` (of `asOf`, half-open).
 *
 * The last test block is `[testFrom, range.to)`; those of the earlier folds are equally long, lie before it one after
 * the other, and begin after the first third of the time before it. Each fold is fitted to what lies before its block:
 * training first, then validation (the last tenth), then an embargo that belongs to nobody.
 *
 * - **Purge**: a label reaches `halfWidth` hours to either side, so no sample within `halfWidth` of a boundary is taken
 *   (`partOf` in `splits.ts`): no label of one part shares an hour with one of another.
 * - **Embargo** (López de Prado, *Advances in Financial Machine Learning*, 2018, section 7.4.2): features look back 168
 *   hours and the first knot of a window lies some 24 hours further back. With an embargo of 192 hours no feature of a
 *   tested window looks at an hour that a fitted label was made from. A history shorter than eight times the embargo
 *   gives an eighth of itself, and never less than two label reaches.
 *
 * @returns the folds in the order of time, at least one
 * @throws {InputError} where not even one fold has room
 */
export function walkForwardFolds(range: TimeRange, halfWidth: number, options: FoldOptions): Fold[] {
  for (let folds = options.folds; folds >= 1; folds--) {
    const made = layOut(range, halfWidth, { ...options, folds })
    if (made.every((fold) => hasRoom(fold, halfWidth))) return made
    if (folds === 1) throw noRoom(range, made[0], halfWidth, options.testFrom)
  }
  throw new InputError(`a walk-forward needs at least one fold, got ${options.folds}`)
}

function layOut(range: TimeRange, halfWidth: number, { folds, embargoHours, testFrom }: FoldOptions): Fold[] {
  const lastStart = testFrom ?? toHour(range.to - TEST_SHARE * (range.to - range.from))
  const before = lastStart - range.from
  const block = folds > 1 ? Math.floor((before * (1 - FIRST_HISTORY_SHARE)) / (folds - 1) / HOUR) * HOUR : 0
  return Array.from({ length: folds }, (_, i) => {
    const start = lastStart - (folds - 1 - i) * block
    const end = i === folds - 1 ? range.to : start + block
    const history = start - range.from
    const affordable = Math.floor((history * LARGEST_EMBARGO_SHARE) / HOUR)
    const embargo = Math.max(2 * halfWidth, Math.min(embargoHours, affordable))
    const fittedTo = start - embargo * HOUR
    const validation = Math.max(toHour(VALIDATION_SHARE * (fittedTo - range.from)), smallestPart(halfWidth))
    return {
      fold: i + 1,
      embargoHours: embargo,
      train: { from: range.from, to: fittedTo - validation },
      validation: { from: fittedTo - validation, to: fittedTo },
      test: { from: start, to: end },
      purgeHours: halfWidth,
    }
  })
}

/** Each part must keep at least as many hours as its purges take from it. */
function smallestPart(halfWidth: number): number {
  return 4 * halfWidth * HOUR
}

function hasRoom({ train, validation, test }: Fold, halfWidth: number): boolean {
  return [train, validation, test].every(({ from, to }) => to - from >= smallestPart(halfWidth))
}

function noRoom(range: TimeRange, { validation, test }: Fold, halfWidth: number, testFrom?: number): InputError {
  const hours = smallestPart(halfWidth) / HOUR
  return new InputError(
    `no room for an evaluation: hours with features from ${hourText(range.from)} to ${hourText(range.to)}, validation ` +
      `from ${hourText(validation.from)}, test from ${hourText(test.from)}; each part needs ${hours} hours: give more ` +
      `data${testFrom === undefined ? '' : ', or another --test-from'}`,
    { range, testFrom: test.from },
  )
}
