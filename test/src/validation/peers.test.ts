import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { createHistory } from '#src/ledger/history.ts'
import { ValidationOptions } from '#src/options/validation.ts'
import { trendEfficiency } from '#src/validation/efficiency.ts'
import { averageClose } from '#src/validation/moving-average.ts'
import { tradingRecord } from '#src/validation/record.ts'
import { barsFrom } from '../market.ts'
import peer from './fixtures/gates.json' with { type: 'json' }

const bars = barsFrom('PEER', peer.close)
bars.openTime.forEach((_, row) => {
  bars.openTime[row] = peer.start + row * HOUR
})

describe('other implementations', () => {
  it('pandas resamples the same bars and averages them alike', () => {
    for (const { bars: count, last, mean, timeframeHours } of peer.averages) {
      const average = averageClose(bars, last, timeframeHours, count)
      expect(average).toMatchObject({ bars: count, span: count * timeframeHours })
      expect(average.mean).toBeCloseTo(mean, 9)
    }
    expect(peer.averages).toHaveLength(12)
  })

  it('pandas finds the same efficiency', () => {
    for (const { last, value } of peer.efficiency) {
      expect(trendEfficiency(bars.close.subarray(last - 24, last + 1))).toBeCloseTo(value, 10)
    }
  })

  it('empyrical finds the same Sharpe ratio and drawdown', () => {
    const history = createHistory()
    for (const [row, equity] of peer.equity.entries()) {
      history.hours.push({ kind: 'hour', time: peer.start + row * HOUR, equity, gross: 0, net: 0 })
    }
    const end = peer.start + (peer.equity.length - 1) * HOUR
    const { days, drawdown, returns, sharpe } = peer.record
    const record = tradingRecord(history, end, ValidationOptions.parse({ record: { windowDays: days } }).record)
    expect(record.returns).toBe(returns)
    expect(record.sharpe).toBeCloseTo(sharpe, 8)
    expect(record.drawdown).toBeCloseTo(drawdown, 12)
  })
})
