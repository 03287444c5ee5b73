import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { joinBars } from '#data/join.ts'
import type { Candles } from '#data/provider.ts'

const START = Date.UTC(2025, 0, 1)

function candlesAt(hours: readonly number[]): Candles {
  const price = Float64Array.from(hours, () => 10)
  const openTime = Float64Array.from(hours, (hour) => START + hour * HOUR)
  return { coin: 'BTC', openTime, open: price, high: price, low: price, close: price, volume: price }
}
const fundingAt = (hours: readonly number[]) => ({
  coin: 'BTC',
  time: Float64Array.from(hours, (hour) => START + hour * HOUR),
  rate: Float64Array.from(hours, (hour) => hour / 1e6),
})

describe('joining candles and funding', () => {
  it('gives a bar the rate settled at its end', () => {
    const { bars, notices } = joinBars(candlesAt([0, 1, 2]), fundingAt([0, 1, 2, 3]))
    expect(bars.funding).toEqual(Float64Array.of(1e-6, 2e-6, 3e-6))
    expect(bars.openInterest.every(Number.isNaN)).toBe(true)
    expect(notices).toEqual([])
  })

  it('leaves missing what is missing, and says how much of it', () => {
    const { bars, notices } = joinBars(candlesAt([0, 1, 2, 6, 7]), fundingAt([1, 3, 8]))
    expect(bars.funding).toEqual(Float64Array.of(1e-6, Number.NaN, 3e-6, Number.NaN, 8e-6))
    expect(notices).toEqual([
      { coin: 'BTC', kind: 'gap', message: '3 hours without a bar in 1 gaps: 2025-01-01 03:00 UTC (3 h)' },
      {
        coin: 'BTC',
        kind: 'missing-funding',
        message: '2 of 5 bars have no funding, the first at 2025-01-01 02:00 UTC',
      },
    ])
  })

  it('counts gaps that are too many to name', () => {
    const { notices } = joinBars(candlesAt([0, 2, 4, 6, 8, 10]), fundingAt([1, 3, 5, 7, 9, 11]))
    expect(notices).toMatchObject([{ kind: 'gap', message: expect.stringMatching(/^5 hours.*and 2 more$/) }])
  })

  it('says nothing of the last bar, whose funding is not settled yet', () => {
    const { bars, notices } = joinBars(candlesAt([0, 1, 2]), fundingAt([1, 2]))
    expect(bars.funding[2]).toBeNaN()
    expect(notices).toEqual([])
  })

  it('says of two bars without funding that they have none, though one is the last', () => {
    const { notices } = joinBars(candlesAt([0, 1, 2]), fundingAt([2]))
    expect(notices).toMatchObject([{ kind: 'missing-funding', message: expect.stringMatching(/^2 of 3 bars/) }])
  })

  it('keeps the open interest of the candles', () => {
    const openInterest = Float64Array.of(5, Number.NaN)
    expect(joinBars({ ...candlesAt([0, 1]), openInterest }, fundingAt([])).bars.openInterest).toBe(openInterest)
  })

  it('agrees with a look-up by hour, whatever is missing', () => {
    const hours = fc.uniqueArray(fc.integer({ min: 0, max: 40 })).map((list) => list.sort((a, b) => a - b))
    fc.assert(
      fc.property(hours, hours, (opened, settled) => {
        const { bars } = joinBars(candlesAt(opened), fundingAt(settled))
        expect(Array.from(bars.funding)).toEqual(
          opened.map((h) => (settled.includes(h + 1) ? (h + 1) / 1e6 : Number.NaN)),
        )
      }),
    )
  })
})
