import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { estimateBlocks } from '#jobs/backtest/estimate-blocks.ts'

const DAY = 24 * HOUR
const begin = Date.UTC(2024, 8, 11)
const at = (hours: number) => begin + hours * HOUR
const settings = { halfWidth: 12, everyDays: 30, historyDays: 52, embargoHours: 192 }

describe('estimateBlocks', () => {
  it('fits each block to what lies an embargo and more before it', () => {
    // 2,000 hours lie before the range: less the embargo 1,808, of which 181 validate.
    const blocks = estimateBlocks({ from: begin, to: at(4000) }, { from: at(2000), to: at(3500) }, settings)
    expect(blocks).toHaveLength(3)
    expect(blocks[0]).toEqual({
      fold: 1,
      embargoHours: 192,
      purgeHours: 12,
      train: { from: begin, to: at(1627) },
      validation: { from: at(1627), to: at(1808) },
      test: { from: at(2000), to: at(2720) },
    })
    expect(blocks.map(({ test }) => test.from)).toEqual([at(2000), at(2720), at(3440)])
  })

  it('keeps its blocks where the range grows', () => {
    const usable = { from: begin, to: at(4000) }
    const short = estimateBlocks(usable, { from: at(2000), to: at(2800) }, settings)
    const long = estimateBlocks(usable, { from: at(2000), to: at(3600) }, settings)
    expect(long.slice(0, short.length)).toEqual(short)
  })

  it('begins later where too little lies before the range, and refuses where it would never begin', () => {
    const usable = { from: begin, to: at(4000) }
    const [first] = estimateBlocks(usable, { from: at(100), to: at(3000) }, settings)
    expect(first.test.from).toBe(begin + 52 * DAY)
    expect(first.embargoHours).toBe(156)
    expect(() => estimateBlocks(usable, { from: at(100), to: at(1248) }, settings)).toThrow(InputError)
  })

  it('covers the range without a gap, and nothing fitted reaches a block', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3000 }),
        fc.integer({ min: 1, max: 3000 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 12, max: 80 }),
        (before, length, everyDays, historyDays) => {
          const wanted = { from: at(before), to: at(Math.max(before, historyDays * 24) + length) }
          const blocks = estimateBlocks({ from: begin, to: wanted.to }, wanted, { ...settings, everyDays, historyDays })
          expect(blocks[0].test.from).toBe(Math.max(wanted.from, begin + historyDays * DAY))
          expect(blocks.at(-1)!.test.to).toBeGreaterThanOrEqual(wanted.to)
          for (const [i, { train, validation, test, embargoHours }] of blocks.entries()) {
            if (i > 0) expect(test.from).toBe(blocks[i - 1].test.to)
            expect(train.from).toBeLessThan(train.to)
            expect(train.to).toBe(validation.from)
            expect(validation.to).toBe(test.from - embargoHours * HOUR)
            // Twice the reach of a label: no label of what was fitted shares an hour with one of the block.
            expect(embargoHours).toBeGreaterThanOrEqual(24)
          }
        },
      ),
      { numRuns: 100 },
    )
  })
})
