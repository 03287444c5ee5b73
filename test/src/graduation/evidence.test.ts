import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { readEvidence } from '#src/graduation/evidence.ts'
import type { HourEvent, LedgerEvent, RoundEvent } from '#src/ledger/events.ts'
import { isKnown } from '#src/performance/figure.ts'
import { type SharpeFigures, sharpeOf } from '#src/performance/sharpe.ts'
import { makeBooks, START } from '../performance/books.ts'

const clean = { clean: true, figure: 'nothing found' }
const options = { trailingDays: 1 }
const round = (time: number, evaluated: number): RoundEvent => ({
  kind: 'round',
  time,
  evaluated,
  candidates: 0,
  stories: '',
  model: 'none',
  degraded: [],
})
const step = (time: number, from: 'eligible' | 'demoted', to: 'demoted' | 'paper', by: string): LedgerEvent => ({
  kind: 'graduation',
  time,
  from,
  to,
  by,
  reason: 'so',
  evidence: {},
})

/** Books with a round after each hour. */
function books(hours: number): LedgerEvent[] {
  return makeBooks(3, hours).flatMap((event): LedgerEvent[] =>
    event.kind === 'hour' ? [event, round(event.time, 2)] : [event],
  )
}

describe('evidence from a ledger', () => {
  it('counts the hours that were decided, not those slept through', () => {
    const events = books(72)
    const slept = events.map((event) =>
      event.kind === 'round' && event.time > START + 48 * HOUR ? round(event.time, 0) : event,
    )
    expect(readEvidence(events, { integrity: clean }, options).input.days).toBeCloseTo(73 / 24, 12)
    expect(readEvidence(slept, { integrity: clean }, options).input.days).toBeCloseTo(49 / 24, 12)
  })

  it('takes the trailing ratio from the last days alone', () => {
    const { input, performance } = readEvidence(books(72), { integrity: clean }, options)
    const last = sharpeOf(performance.curve.returns.slice(-24)) as SharpeFigures
    expect(input.trailingSharpe).toBe(last.ratio)
    expect(input.sharpe).toBe((performance.sharpe as SharpeFigures).ratio)
    expect(input.trailingSharpe).not.toBe(input.sharpe)
  })

  it('begins anew after a reset', () => {
    const events = books(48)
    const cut = events.findIndex((event) => event.kind === 'round' && event.time === START + 24 * HOUR)
    const time = START + 24 * HOUR
    const steps: LedgerEvent[] = [
      { ...step(time, 'eligible', 'demoted', 'gates'), from: 'paper', to: 'eligible' } as LedgerEvent,
      step(time, 'eligible', 'demoted', 'gates'),
      step(time, 'demoted', 'paper', 'Ada'),
    ]
    const all = [...events.slice(0, cut + 1), ...steps, ...events.slice(cut + 1)]
    const evidence = readEvidence(all, { integrity: clean }, options)
    expect(evidence.resetAt).toBe(time)
    expect(evidence.steps).toEqual(steps)
    expect(evidence.performance.hours).toBe(24)
    expect(evidence.performance.trades.count).toBeLessThan(
      readEvidence(events, { integrity: clean }, options).performance.trades.count,
    )
  })

  it('knows nothing right after a reset', () => {
    const events = books(30)
    const time = events.at(-1)!.time
    const all: LedgerEvent[] = [
      ...events,
      { ...step(time, 'eligible', 'demoted', 'gates'), from: 'paper', to: 'eligible' } as LedgerEvent,
      step(time, 'eligible', 'demoted', 'gates'),
      step(time, 'demoted', 'paper', 'Ada'),
    ]
    const { input } = readEvidence(all, { integrity: clean }, options)
    expect([input.sharpe, input.drawdown, input.winRate, input.trailingSharpe].some(isKnown)).toBe(false)
  })

  it('compares with a backtest where there is one, and says so where there is none', () => {
    const events = books(30)
    const backtest = events.filter((event): event is HourEvent => event.kind === 'hour')
    expect(readEvidence(events, { integrity: clean, backtest }, options).input.backtestDistance).toBe(0)
    expect(readEvidence(events, { integrity: clean }, options).input.backtestDistance).toEqual({
      unavailable: 'no backtest over the same days was given',
    })
  })
})
