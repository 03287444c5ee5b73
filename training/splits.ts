import { HOUR, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { hourText } from '#data/providers/series.ts'

/** Train, validation and test, in this order in time. */
export const PARTS = ['train', 'validation', 'test'] as const
export type Part = (typeof PARTS)[number]

/** A split in time: ranges of `asOf`, half-open, with a purge around each boundary. */
export interface Split {
  readonly train: TimeRange
  readonly validation: TimeRange
  readonly test: TimeRange
  /** Hours on either side of a boundary from which no sample is taken. */
  readonly purgeHours: number
}

const TEST_SHARE = 0.2
const VALIDATION_SHARE = 0.1

/**
 * Splits `range` by time. The test period begins at `testFrom` (default: the last fifth); validation is the
 * tenth of the range before it. A sample's label reaches `halfWidth` hours to either side, so samples within
 * `halfWidth` of a boundary are left out on both sides: a purge of 2w around each, after which no label of one
 * part shares an hour with a label of another.
 *
 * @param range range of `asOf` of all samples
 * @throws {InputError} if `testFrom` leaves no room for training, validation or test
 */
export function splitByTime(range: TimeRange, halfWidth: number, testFrom?: number): Split {
  const length = range.to - range.from
  const toHour = (time: number) => Math.round(time / HOUR) * HOUR
  const testStart = testFrom ?? toHour(range.to - TEST_SHARE * length)
  const validationStart = toHour(testStart - VALIDATION_SHARE * length)
  const smallest = 4 * halfWidth * HOUR
  if (
    validationStart - range.from < smallest ||
    testStart - validationStart < smallest ||
    range.to - testStart < smallest
  ) {
    const days = Math.ceil(smallest / (24 * HOUR) / VALIDATION_SHARE)
    throw new InputError(
      `no room for a split: hours with features from ${hourText(range.from)} to ${hourText(range.to)}, validation from ` +
        `${hourText(validationStart)}, test from ${hourText(testStart)}; each part needs ${smallest / HOUR} hours: give ` +
        `at least ${days} days after the week that features need${testFrom === undefined ? '' : ', or another --test-from'}`,
      { range, testFrom: testStart },
    )
  }
  return {
    train: { from: range.from, to: validationStart },
    validation: { from: validationStart, to: testStart },
    test: { from: testStart, to: range.to },
    purgeHours: halfWidth,
  }
}

/** The part that a sample known at `asOf` belongs to; `undefined` outside the range or inside a purge. */
export function partOf(split: Split, asOf: number): Part | undefined {
  const purge = split.purgeHours * HOUR
  const { train, validation, test } = split
  if (asOf >= train.from && asOf + purge < train.to) return 'train'
  if (asOf - purge >= validation.from && asOf + purge < validation.to) return 'validation'
  if (asOf - purge >= test.from && asOf < test.to) return 'test'
  return undefined
}
