import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { partOf } from '#training/splits.ts'
import { type Fold, walkForwardFolds } from '#training/walk-forward/folds.ts'

const from = Date.UTC(2024, 8, 11)
const range = (hours: number) => ({ from, to: from + hours * HOUR })
const wanted = { folds: 5, embargoHours: 192 }

/** First and last hour of each part from which samples are taken. */
function sampledHours(fold: Fold) {
  const hours: Record<string, { first: number; last: number }> = {}
  for (let asOf = fold.train.from; asOf < fold.test.to; asOf += HOUR) {
    const part = partOf(fold, asOf)
    if (part) hours[part] = { first: hours[part]?.first ?? asOf, last: asOf }
  }
  return hours
}

describe('walkForwardFolds', () => {
  it('tests the last fifth in the last fold, and equal blocks before it after the first third of the rest', () => {
    const folds = walkForwardFolds(range(6000), 12, wanted)
    const hours = folds.map(({ test }) => [(test.from - from) / HOUR, (test.to - from) / HOUR])
    expect(hours).toEqual([
      [1600, 2400],
      [2400, 3200],
      [3200, 4000],
      [4000, 4800],
      [4800, 6000],
    ])
  })

  it('begins the last test block where it is told to', () => {
    const testFrom = from + 5000 * HOUR
    const folds = walkForwardFolds(range(6000), 12, { ...wanted, testFrom })
    expect(folds.at(-1)?.test).toEqual({ from: testFrom, to: from + 6000 * HOUR })
    const lengths = folds.slice(0, -1).map(({ test }) => (test.to - test.from) / HOUR)
    expect(new Set(lengths)).toEqual(new Set([833]))
    expect(folds[3].test.to).toBe(testFrom)
  })

  it('validates on the last tenth of what lies before the embargo', () => {
    const [, , , , last] = walkForwardFolds(range(6000), 12, wanted)
    expect(last.embargoHours).toBe(192)
    const fittedTo = (last.validation.to - from) / HOUR
    expect(fittedTo).toBe(4800 - 192)
    expect((last.validation.from - from) / HOUR).toBe(fittedTo - Math.round(fittedTo / 10))
    expect(last.train.to).toBe(last.validation.from)
  })

  it('spends at most an eighth of a short history on the embargo, and never less than two label reaches', () => {
    const folds = walkForwardFolds(range(1000), 12, wanted)
    expect(folds.map(({ embargoHours }) => embargoHours)).toEqual([33, 50, 66, 83, 100])
    const short = walkForwardFolds(range(500), 12, { ...wanted, embargoHours: 24 })
    for (const { embargoHours } of short) expect(embargoHours).toBe(24)
  })

  it('makes as many folds as there is room for', () => {
    expect(walkForwardFolds(range(1000), 12, { ...wanted, folds: 40 }).length).toBeLessThan(40)
    expect(walkForwardFolds(range(400), 12, wanted)).not.toHaveLength(0)
  })

  it('refuses data without room for one fold, and a test that begins outside them', () => {
    expect(() => walkForwardFolds(range(150), 12, wanted)).toThrow(InputError)
    expect(() => walkForwardFolds(range(1000), 12, { ...wanted, testFrom: from - HOUR })).toThrow(/no room/)
    expect(() => walkForwardFolds(range(1000), 12, { ...wanted, testFrom: from + 990 * HOUR })).toThrow(/no room/)
  })

  it('keeps purge and embargo between what is fitted and what is tested, over an ever longer past', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 700, max: 7000 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 24, max: 300 }),
        fc.integer({ min: 4, max: 14 }),
        fc.option(fc.double({ min: 0.5, max: 0.85, noNaN: true }), { nil: undefined }),
        (hours, count, embargoHours, halfWidth, share) => {
          const testFrom = share === undefined ? undefined : from + Math.round(share * hours) * HOUR
          const folds = walkForwardFolds(range(hours), halfWidth, { folds: count, embargoHours, testFrom })
          expect(folds.length).toBeLessThanOrEqual(count)
          expect(folds.at(-1)?.test.to).toBe(from + hours * HOUR)
          folds.forEach((fold, i) => {
            expect(fold.fold).toBe(i + 1)
            if (i > 0) {
              expect(fold.test.from).toBe(folds[i - 1].test.to)
              expect(fold.train.to).toBeGreaterThan(folds[i - 1].train.to)
            }
            const { train, validation, test } = sampledHours(fold)
            // Labels reach halfWidth hours to either side: those of two parts share none.
            expect(train.last + halfWidth * HOUR).toBeLessThan(validation.first - (halfWidth - 1) * HOUR)
            const fittedTo = validation.last + halfWidth * HOUR
            expect(fittedTo).toBeLessThan(fold.validation.to)
            expect(fold.test.from - fold.validation.to).toBe(fold.embargoHours * HOUR)
            expect(fold.embargoHours).toBeGreaterThanOrEqual(2 * halfWidth)
            expect(test.first).toBeGreaterThanOrEqual(fold.test.from)
            expect(test.last).toBe(fold.test.to - HOUR)
          })
        },
      ),
      { numRuns: 60 },
    )
  })
})
