import { describe, expect, it } from 'vitest'
import { MillraceError } from '#data/errors.ts'
import { gateWords } from '#jobs/backtest/gates.ts'
import { gatherBacktest } from '#jobs/backtest/gather.ts'
import { FROM, sampleOutcome } from './sample.ts'

const micro = (dollars: number) => Math.round(1e6 * dollars)

describe('what a backtest has to show', () => {
  const outcome = sampleOutcome()
  const data = gatherBacktest(outcome)
  const { result } = outcome

  it('splits the result by what made it, by coin and by source, and every split adds up to the equity change', () => {
    const change = result.micro.equityChange
    const { total, byCoin, bySource } = data.split
    for (const split of [total, ...Object.values(byCoin), ...Object.values(bySource)]) {
      const { price, funding, fees, slippage, net } = split
      expect(micro(net)).toBe(micro(price) + micro(funding) - micro(fees) - micro(slippage))
    }
    const sumOf = (splits: object) => Object.values(splits).reduce((sum, { net }) => sum + micro(net), 0)
    expect([micro(total.net), sumOf(byCoin), sumOf(bySource)]).toEqual([change, change, change])
    expect(Object.values(byCoin).reduce((sum, { trades }) => sum + trades, 0)).toBe(result.trades)
    expect(sumOf(data.trades)).toBe(change)
  })

  it('follows the split hour by hour, to the same end', () => {
    const { cumulative, total } = data.split
    for (const part of ['price', 'funding', 'fees', 'slippage', 'net'] as const) {
      expect(cumulative[part]).toHaveLength(900)
      expect(micro(cumulative[part].at(-1)!)).toBe(micro(total[part]))
    }
    const equity = data.equity.value.map((value) => micro(value) - micro(data.equity.opening))
    expect(cumulative.net.map(micro)).toEqual(equity)
    // Before the first fill nothing has moved.
    expect(cumulative.price[0]).toBe(0)
  })

  it('measures drawdown from the capital on, and exposure in multiples of equity', () => {
    expect(Math.max(...data.drawdown)).toBeCloseTo((data.figures.drawdown as { depth: number }).depth, 12)
    expect(Math.min(...data.drawdown)).toBe(0)
    const busiest = data.exposure.gross.indexOf(Math.max(...data.exposure.gross))
    const hour = result.history.hours[busiest]
    expect(data.exposure.gross[busiest]).toBe(hour.gross / hour.equity)
    expect(data.exposure.net[busiest]).toBe(hour.net / hour.equity)
  })

  it('begins the weights with the configured ones and gives shares', () => {
    const { time, shares } = data.weights
    expect(time[0]).toBe(FROM)
    expect(shares['ou-funding'][0]).toBeCloseTo(0.3, 12)
    expect(time).toHaveLength(1 + 150)
    for (const i of time.keys()) {
      expect(Object.values(shares).reduce((sum, column) => sum + column[i], 0)).toBeCloseTo(1, 12)
    }
  })

  it('sets the run against doing nothing, holding BTC and itself without a layer', () => {
    const [nothing, bitcoin] = data.baselines
    if ('unavailable' in nothing || 'unavailable' in bitcoin) throw new Error('a baseline is missing')
    expect(nothing.worth.dollars.estimate).toBeCloseTo(result.equityChange, 6)
    const held = bitcoin.equity.value.at(-1)! - bitcoin.equity.opening
    expect(bitcoin.worth.dollars.estimate).toBeCloseTo(result.equityChange - held, 6)
    expect(data.layers.map(({ name }) => name)).toEqual(['without regimes', 'without gates'])
    for (const [i, { worth, equityChange, corrected }] of data.layers.entries()) {
      expect(worth.dollars.estimate).toBeCloseTo(result.equityChange - equityChange, 6)
      expect(equityChange).toBe(outcome.variants[i].result.equityChange)
      expect(corrected).toBeGreaterThanOrEqual(worth.p)
    }
  })

  it('says what a gate asks, and that a baseline cannot be computed', () => {
    expect(data.rejections.counts[0]).toMatchObject({ gate: 'signal', words: 'no scanner had a signal' })
    expect(data.rejections.counts.map(({ count }) => count)).toEqual(
      data.rejections.counts.map(({ count }) => count).toSorted((a, b) => b - a),
    )
    expect(gateWords('regime (unavailable)')).toBe('regime could not be told')
    expect(gateWords('side-of-the-moon')).toBe('side of the moon spoke against it')
    const [, bitcoin] = gatherBacktest(sampleOutcome({ coins: ['ETH'], hours: 200, variants: 0 })).baselines
    expect(bitcoin).toEqual({ name: 'holding BTC', unavailable: 'BTC is not among the coins' })
  })

  it('refuses events that do not lead to the result', () => {
    const lost = result.events.findIndex(({ kind }) => kind === 'funding')
    const events = result.events.toSpliced(lost, 1)
    expect(() => gatherBacktest({ ...outcome, result: { ...result, events } })).toThrow(MillraceError)
  })
})
