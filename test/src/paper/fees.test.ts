import { describe, expect, it } from 'vitest'
import { createHistory } from '#src/ledger/history.ts'
import { ExchangeOptions } from '#src/options/paper.ts'
import { feeRates, takerRateOf, volume14dAt } from '#src/paper/fees.ts'

const DAY = 86_400_000
const TODAY = Date.UTC(2025, 5, 1)
const MILLION = 1e12

function traded(byDay: Record<number, number>, started = -30) {
  const history = createHistory()
  for (const [day, dollars] of Object.entries(byDay)) history.volumeByDay.set(TODAY / DAY + Number(day), dollars)
  history.hours.push({ kind: 'hour', time: TODAY + started * DAY, equity: 0, gross: 0, net: 0 })
  return history
}

describe('fees', () => {
  it('follow the table of tiers', () => {
    const table: readonly [number, number, number][] = [
      [0, 0.00045, 0.00015],
      [5e6, 0.00045, 0.00015],
      [5e6 + 1, 0.0004, 0.00012],
      [3e7, 0.00035, 0.00008],
      [2e8, 0.0003, 0.00004],
      [6e8, 0.00028, 0],
      [3e9, 0.00026, 0],
      [8e9, 0.00024, 0],
    ]
    for (const [volume, taker, maker] of table) expect(feeRates(volume, 0)).toEqual({ taker, maker })
  })

  it('turn into rebates by share of maker volume', () => {
    expect(feeRates(0, 0.005).maker).toBe(0.00015)
    expect(feeRates(0, 0.006).maker).toBe(-0.00001)
    expect(feeRates(0, 0.02).maker).toBe(-0.00002)
    expect(feeRates(0, 0.04)).toEqual({ taker: 0.00045, maker: -0.00003 })
  })

  it('count the 14 whole days before today', () => {
    const options = ExchangeOptions.parse({})
    const history = traded({ [-15]: MILLION, [-14]: 2 * MILLION, [-1]: 4 * MILLION, 0: 8 * MILLION })
    expect(volume14dAt(history, TODAY, options)).toBe(6e6)
    expect(volume14dAt(history, TODAY + DAY - 1, options)).toBe(6e6)
    expect(volume14dAt(history, TODAY + DAY, options)).toBe(12e6)
    expect(takerRateOf(history, TODAY, options)).toBe(0.0004)
  })

  it('let what was traded before the start leave day by day', () => {
    const options = ExchangeOptions.parse({ volume14d: 7e6 })
    expect(volume14dAt(createHistory(), TODAY, options)).toBe(7e6)
    expect(volume14dAt(traded({}, 0), TODAY, options)).toBe(7e6)
    expect(volume14dAt(traded({}, -4), TODAY, options)).toBeCloseTo(5e6, 6)
    expect(volume14dAt(traded({}, -14), TODAY, options)).toBe(0)
  })
})
