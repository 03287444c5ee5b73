import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createHistory, type History } from '#src/ledger/history.ts'
import { ValidationOptions } from '#src/options/validation.ts'
import { recordGate, type TradingRecord, tradingRecord } from '#src/validation/record.ts'
import { START } from '../market.ts'
import { tradeOf } from '../protections/ledger.ts'

const options = ValidationOptions.parse({ record: { windowDays: 1, minTrades: 3 } }).record
const DAY = 24 * HOUR

function historyOf(equities: readonly number[], nets: readonly (readonly [time: number, net: number])[] = []): History {
  const history = createHistory()
  for (const [i, equity] of equities.entries()) {
    history.hours.push({ kind: 'hour', time: START + i * HOUR, equity, gross: 0, net: 0 })
  }
  for (const [closedAt, net] of nets) history.trades.push(tradeOf('AAA', closedAt, net))
  return history
}

const good: TradingRecord = { trades: 3, winRate: 0.5, returns: 24, sharpe: 1, drawdown: 0.1 }
const gatesOf = (record: Partial<TradingRecord>) =>
  recordGate({ ...good, ...record }, options).reasons.map(({ gate }) => gate)

describe('trading record', () => {
  it('takes Sharpe ratio, drawdown and win rate by hand', () => {
    // Returns 10 %, -10 %, 10 %: mean 1/30, deviation with n - 1 is root(4/300) = 0.11547.
    const history = historyOf(
      [1_000_000, 1_100_000, 990_000, 1_089_000],
      [
        [START + HOUR, 5],
        [START + 2 * HOUR, 0],
        [START + 3 * HOUR, -5],
      ],
    )
    const record = tradingRecord(history, START + 3 * HOUR, options)
    expect(record).toEqual({
      trades: 3,
      winRate: 1 / 3,
      returns: 3,
      sharpe: expect.closeTo((1 / 30 / Math.sqrt(4 / 300)) * Math.sqrt(8760), 8),
      drawdown: expect.closeTo(0.1, 12),
    })
  })

  it('lets hours and trades go when they leave the window', () => {
    const fall = [2_000_000, 1_000_000, ...Array.from({ length: 24 }, (_, i) => 1_000_000 + i)]
    const history = historyOf(fall, [
      [START + HOUR, -1],
      [START + HOUR + 1, 1],
    ])
    expect(tradingRecord(history, START + DAY, options)).toMatchObject({ trades: 2, drawdown: 0.5, returns: 24 })
    expect(tradingRecord(history, START + DAY + HOUR, options)).toMatchObject({ trades: 1, winRate: 1, drawdown: 0 })
  })

  it('knows no ratio where there is nothing to divide', () => {
    expect(tradingRecord(createHistory(), START, options)).toEqual({
      trades: 0,
      winRate: Number.NaN,
      returns: 0,
      sharpe: Number.NaN,
      drawdown: 0,
    })
    const steady = Array.from({ length: 20 }, (_, i) => 1e6 * 1.1 ** i)
    expect(tradingRecord(historyOf([100, 100, 100]), START + DAY, options).sharpe).toBeNaN()
    expect(tradingRecord(historyOf(steady), START + DAY, options).sharpe).toBeNaN()
  })

  it('does not see what comes after', () => {
    const equity = fc.array(fc.integer({ min: 1_000, max: 2_000 }), { minLength: 1, maxLength: 60 })
    const nets = fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 60 })
    fc.assert(
      fc.property(equity, nets, fc.nat(59), (equities, gains, hour) => {
        const trades = gains.map((net, i) => [START + i * HOUR, net] as const)
        const asOf = START + hour * HOUR
        const known = trades.filter(([time]) => time <= asOf)
        expect(tradingRecord(historyOf(equities, trades), asOf, options)).toEqual(
          tradingRecord(historyOf(equities.slice(0, hour + 1), known), asOf, options),
        )
      }),
      { seed: 7 },
    )
  })
})

describe('record gate', () => {
  it('is silent with too few trades, however bad they were, and says so', () => {
    expect(recordGate({ ...good, trades: 2, winRate: 0, drawdown: 0.9, sharpe: -9 }, options)).toEqual({
      reasons: [],
      remark: 'record: 2 of 3 trades in 1 days',
    })
    expect(recordGate(undefined, options)).toEqual({ reasons: [], remark: 'record: not known' })
  })

  it('rejects at each threshold and not a hair beyond', () => {
    expect(gatesOf({})).toEqual([])
    expect(gatesOf({ sharpe: 0.3 })).toEqual(['record-sharpe'])
    expect(gatesOf({ sharpe: 0.3001 })).toEqual([])
    expect(gatesOf({ drawdown: 0.25 })).toEqual(['record-drawdown'])
    expect(gatesOf({ drawdown: 0.2499 })).toEqual([])
    expect(gatesOf({ winRate: 0.4 })).toEqual(['record-win-rate'])
    expect(gatesOf({ winRate: 0.4001 })).toEqual([])
  })

  it('lists every reason and fails closed on what is not a number', () => {
    expect(recordGate({ ...good, sharpe: -1, drawdown: 0.5, winRate: 0.1 }, options).reasons).toEqual([
      { gate: 'record-sharpe', kind: 'rejected', message: 'Sharpe ratio is -1.00, must be above 0.3' },
      { gate: 'record-drawdown', kind: 'rejected', message: 'drawdown is 50.0 %, must be below 25.0 %' },
      { gate: 'record-win-rate', kind: 'rejected', message: 'win rate is 10.0 %, must be above 40.0 %' },
    ])
    const unknown = recordGate({ ...good, sharpe: Number.NaN, drawdown: Number.NaN, winRate: Number.NaN }, options)
    expect(unknown.reasons.map(({ kind }) => kind)).toEqual(['unavailable', 'unavailable', 'unavailable'])
  })

  it('never minds a better record', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    const sharpe = fc.double({ min: -5, max: 5, noNaN: true })
    fc.assert(
      fc.property(sharpe, share, share, share, (ratio, drawdown, winRate, better) => {
        const before = gatesOf({ sharpe: ratio, drawdown, winRate })
        const after = gatesOf({
          sharpe: ratio + better,
          drawdown: drawdown * (1 - better),
          winRate: winRate + (1 - winRate) * better,
        })
        expect(before).toEqual(expect.arrayContaining(after))
      }),
      { seed: 8 },
    )
  })
})
