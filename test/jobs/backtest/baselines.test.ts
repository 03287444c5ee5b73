import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocateBars, HOUR } from '#data/bars.ts'
import { type Baseline, doingNothing, holding } from '#jobs/backtest/baselines.ts'
import { randomBars, START } from '../../markets.ts'

const known = (baseline: ReturnType<typeof holding>) => baseline as Baseline

/** Bars by closing price and rate, one an hour from {@link START} on. */
function barsOf(rows: readonly (readonly [close: number, funding: number])[]) {
  const bars = allocateBars('BTC', rows.length)
  for (const [row, [close, funding]] of rows.entries()) {
    bars.openTime[row] = START + row * HOUR
    for (const column of ['open', 'high', 'low', 'close'] as const) bars[column][row] = close
    bars.funding[row] = funding
  }
  return bars
}

describe('doing nothing', () => {
  it('keeps the capital', () => {
    const { equity } = doingNothing({ from: START, to: START + 3 * HOUR }, 10_000)
    expect(equity).toEqual({
      opening: 10_000,
      time: [START, START + HOUR, START + 2 * HOUR],
      value: [10_000, 10_000, 10_000],
    })
  })
})

describe('holding', () => {
  const range = { from: START + HOUR, to: START + 5 * HOUR }

  it('buys, pays funding every hour, and sells: by hand', () => {
    // 10 coins at 100. The rate of the hour before the purchase is nothing to it.
    const bars = barsOf([
      [100, 0.5],
      [110, 0.001],
      [90, -0.002],
      [120, 0.001],
      [999, 0.5],
    ])
    const { equity, price, funding, fees } = known(holding(bars, range, 1000, 0.0005))
    // 0.5 to buy; 1.1 paid, 1.8 received, 1.2 paid; 0.6 to sell.
    expect(equity.value).toEqual([999.5, 1098.4, 900.2, 1198.4])
    expect(equity.opening).toBe(1000)
    expect([price, funding, fees]).toEqual([200, -0.5, 1.1])
  })

  it('keeps the last close of an hour without a bar, and counts funding that is not known', () => {
    const bars = barsOf([
      [100, 0],
      [110, Number.NaN],
      [120, 0],
      [130, 0],
    ])
    bars.openTime[2] += HOUR
    bars.openTime[3] += HOUR
    const { equity, unknownFundingHours, funding } = known(holding(bars, range, 1000, 0))
    expect(equity.value).toEqual([1000, 1100, 1100, 1200])
    expect(unknownFundingHours).toBe(2)
    expect(funding).toBe(0)
  })

  it('is unavailable without a price at the first hour', () => {
    const late = { from: START, to: START + 3 * HOUR }
    expect(holding(barsOf([[100, 0]]), late, 1000, 0)).toMatchObject({
      name: 'holding BTC',
      unavailable: expect.stringContaining('no price'),
    })
    expect(holding(barsOf([[100, 0]]), { from: START + HOUR, to: START + 2 * HOUR }, 1000, 0)).toHaveProperty(
      'unavailable',
    )
  })

  it('adds up to the micro-dollar, and does not see what comes later', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 3, max: 80 }), (seed, hours) => {
        const bars = randomBars(seed, 100, (hour) => hour > 1 && hour % 7 === 3)
        const within = { from: START + HOUR, to: START + (1 + hours) * HOUR }
        const { equity, price, funding, fees } = known(holding(bars, within, 10_000, 0.00045))
        const micro = (dollars: number) => Math.round(1e6 * dollars)
        expect(micro(equity.value.at(-1)!) - micro(10_000)).toBe(micro(price) + micro(funding) - micro(fees))
        const longer = known(holding(bars, { ...within, to: within.to + 10 * HOUR }, 10_000, 0.00045))
        expect(longer.equity.value.slice(0, hours - 1)).toEqual(equity.value.slice(0, -1))
      }),
      { numRuns: 50 },
    )
  })
})
