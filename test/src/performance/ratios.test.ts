import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { drawdownOf } from '#src/performance/drawdown.ts'
import { exposureOfHours } from '#src/performance/exposure.ts'
import { equityCurve } from '#src/performance/returns.ts'
import { type SharpeFigures, sharpeOf, sortinoOf } from '#src/performance/sharpe.ts'
import { tradeFigures } from '#src/performance/trades.ts'

interface Peer {
  name: string
  equity: number[]
  sharpe: number
  sortino: number
  depth: number
  longest: number
  underWater: number
  skewness: number
  kurtosis: number
  lo: number
  mertens: number
  totalReturn: number
}
const peers = JSON.parse(readFileSync(new URL('fixtures/performance.json', import.meta.url), 'utf8')) as {
  cases: Peer[]
  simulated: { hourly: number; hours: number; deviation: number }
}

const hoursOf = (equity: readonly number[]) => equity.map((value, i) => ({ time: (i + 1) * HOUR, equity: value }))
const curveOf = ([opening, ...rest]: readonly number[]) => equityCurve(opening, hoursOf(rest))

describe('ratios against empyrical, pandas and SciPy', () => {
  it.each(peers.cases)('$name', (peer) => {
    const curve = curveOf(peer.equity)
    const sharpe = sharpeOf(curve.returns) as SharpeFigures
    expect(sharpe.ratio).toBeCloseTo(peer.sharpe, 8)
    expect(sharpe.skewness).toBeCloseTo(peer.skewness, 8)
    expect(sharpe.kurtosis).toBeCloseTo(peer.kurtosis, 8)
    expect(sharpe.standardErrorNormal).toBeCloseTo(peer.lo, 8)
    expect(sharpe.standardError).toBeCloseTo(peer.mertens, 8)
    expect(sortinoOf(curve.returns)).toBeCloseTo(peer.sortino, 8)
    const drawdown = drawdownOf(curve)
    expect(drawdown.depth).toBeCloseTo(peer.depth, 10)
    expect(drawdown.longestHours).toBe(peer.longest)
    expect(drawdown.underWater?.hours ?? 0).toBe(peer.underWater)
    expect(curve.growth.at(-1)! - 1).toBeCloseTo(peer.totalReturn, 10)
  })

  it('has the standard error that 4,000 simulated samples have', () => {
    const { hourly, hours, deviation } = peers.simulated
    // A series with that very ratio: two values around the mean.
    const spread = Math.sqrt((hours - 1) / hours)
    const returns = Array.from({ length: hours }, (_, i) => hourly + (i % 2 === 0 ? spread : -spread))
    const figures = sharpeOf(returns) as SharpeFigures
    expect(figures.hourly).toBeCloseTo(hourly, 10)
    expect(figures.standardErrorNormal / Math.sqrt(8760) / deviation).toBeCloseTo(1, 1)
  })
})

describe('what is not known', () => {
  it('says why there is no ratio, and never 0', () => {
    expect(sharpeOf([])).toEqual({ unavailable: '0 hourly returns are known, 2 are needed' })
    expect(sharpeOf([0.1, Number.NaN])).toEqual({ unavailable: '1 hourly returns are known, 2 are needed' })
    expect(sharpeOf([0, 0, 0])).toEqual({ unavailable: 'equity did not move' })
    expect(sortinoOf([])).toEqual({ unavailable: 'no hourly return is known' })
    expect(sortinoOf([0, 0])).toEqual({ unavailable: 'equity did not move' })
    expect(sortinoOf([0.1, 0])).toEqual({ unavailable: 'no hour lost' })
    expect((sharpeOf([0.1, 0.2]) as SharpeFigures).deflated).toEqual({
      unavailable: 'the number of trials is not known',
    })
    expect(exposureOfHours([]).inMarket).toEqual({ unavailable: 'no hour was told' })
    expect(tradeFigures([]).winRate).toEqual({ unavailable: 'no trade was closed' })
    expect(tradeFigures([]).profitFactor).toEqual({ unavailable: 'no trade was closed' })
  })

  it('leaves a return out that spans more than an hour', () => {
    const hours = [
      { time: HOUR, equity: 110 },
      { time: 4 * HOUR, equity: 220 },
    ]
    const { returns, growth } = equityCurve(100, hours)
    expect(returns[0]).toBeCloseTo(0.1, 12)
    expect(returns[1]).toBeNaN()
    expect(growth[1]).toBeCloseTo(2.2, 12)
  })
})

describe('deflated Sharpe ratio', () => {
  const returns = Array.from({ length: 500 }, (_, i) => 0.0005 + 0.01 * Math.sin(i * 1.7))
  const at = (count: number, sharpes?: number[]) => (sharpeOf(returns, { count, sharpes }) as SharpeFigures).deflated

  it('is the plain probability after one trial, and less with every other', () => {
    expect(at(1)).toBeCloseTo((sharpeOf(returns) as SharpeFigures).probabilistic, 12)
    expect(at(10)).toBeLessThan(at(1) as number)
    expect(at(1000)).toBeLessThan(at(10) as number)
  })

  it('takes the spread of the trials where they are given', () => {
    expect(at(4, [0.5, -0.5, 0.1, Number.NaN])).toBeLessThan(at(4) as number)
  })
})

describe('money paid in', () => {
  it('is neither gain nor way out of a drawdown', () => {
    // 100 -> 80 (-20 %), then 120 are paid in and 10 % is earned: 220.
    const curve = equityCurve(
      100,
      [
        { time: HOUR, equity: 80 },
        { time: 2 * HOUR, equity: 220 },
      ],
      [{ time: 1.5 * HOUR, amount: 120 }],
    )
    expect([...curve.returns].map((value) => Number(value.toFixed(12)))).toEqual([-0.2, 0.1])
    const drawdown = drawdownOf(curve)
    expect(drawdown.depth).toBeCloseTo(0.2, 12)
    expect(drawdown.underWater?.depth).toBeCloseTo(1 - 0.88, 12)
  })

  it('does not undo a ruin', () => {
    const curve = equityCurve(100, hoursOf([0, 50, 60]), [{ time: 1.5 * HOUR, amount: 50 }])
    expect(drawdownOf(curve)).toMatchObject({ depth: 1, underWater: { depth: 1, hours: 3 } })
  })
})

describe('drawdown by hand', () => {
  it('counts hours from the peak to the recovery, and says whether it is over', () => {
    expect(drawdownOf(curveOf([100, 120, 90, 110, 120, 119]))).toEqual({
      depth: 0.25,
      deepestAt: 2 * HOUR,
      longestHours: 3,
      underWater: { depth: expect.closeTo(1 / 120, 12), hours: 1 },
    })
    expect(drawdownOf(curveOf([100, 101, 102]))).toEqual({
      depth: 0,
      deepestAt: undefined,
      longestHours: 0,
      underWater: undefined,
    })
  })

  it('only grows as hours are added', () => {
    const walk = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 2, maxLength: 40 })
    fc.assert(
      fc.property(walk, (equity) => {
        const whole = drawdownOf(curveOf(equity))
        const part = drawdownOf(curveOf(equity.slice(0, -1)))
        expect(whole.depth).toBeGreaterThanOrEqual(part.depth)
        expect(whole.longestHours).toBeGreaterThanOrEqual(part.longestHours)
      }),
    )
  })
})

describe('trades by hand', () => {
  it('has win rate, profit factor and means', () => {
    const trades = [30, -10, 0, 20, -15].map((net, i) => ({ net, openedAt: 0, closedAt: (i + 1) * HOUR }))
    expect(tradeFigures(trades)).toEqual({
      count: 5,
      wins: 2,
      winRate: 0.4,
      profitFactor: 2,
      meanWin: 25,
      meanLoss: -12.5,
      meanHours: 3,
    })
    expect(tradeFigures(trades.slice(0, 1)).profitFactor).toEqual({ unavailable: 'no trade lost' })
    expect(tradeFigures(trades.slice(1, 2)).profitFactor).toBe(0)
  })
})

describe('exposure by hand', () => {
  it('has leverage and the share of hours in the market', () => {
    const hours = [
      { equity: 100, gross: 50, net: -50 },
      { equity: 100, gross: 150, net: 50 },
      { equity: 100, gross: 0, net: 0 },
      { equity: 0, gross: 10, net: 10 },
    ]
    expect(exposureOfHours(hours)).toEqual({
      meanGross: expect.closeTo(2 / 3, 12),
      meanNet: 0,
      highestGross: 1.5,
      inMarket: 0.75,
    })
  })
})
