import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { barsKnownAt, HOUR } from '#data/bars.ts'
import { WheelOptions } from '#src/options.ts'
import { trendEfficiency } from '#src/validation/efficiency.ts'
import { averageClose, movingAverageGate } from '#src/validation/moving-average.ts'
import { validate } from '#src/validation/validate.ts'
import { barsFrom, makeBars, START, withOtherFuture, without } from '../market.ts'

const options = WheelOptions.parse({}).validation

/** 200 closes with mean 100 that end at `last`, in a straight line over the last 24 h (efficiency 1). */
function closesEndingAt(last: number): number[] {
  const end = Array.from({ length: 25 }, (_, i) => 100 + ((last - 100) * i) / 24)
  const rest = (200 * 100 - end.reduce((sum, close) => sum + close, 0)) / 175
  return [...Array.from({ length: 175 }, () => rest), ...end]
}

function verdict(closes: readonly number[], direction: 1 | -1) {
  return validate({ bars: barsFrom('TEST', closes), asOf: START + closes.length * HOUR, direction }, options)
}

const gatesOf = (closes: readonly number[], direction: 1 | -1) =>
  verdict(closes, direction).reasons.map(({ gate }) => gate)

describe('moving-average gate', () => {
  it('accepts a long exactly 2 % below the average and rejects one a hair further', () => {
    expect(verdict(closesEndingAt(98), 1)).toMatchObject({ accepted: true, reasons: [] })
    expect(gatesOf(closesEndingAt(97.9999), 1)).toEqual(['moving-average'])
  })

  it('accepts a short exactly 2 % above the average and rejects one a hair further', () => {
    expect(verdict(closesEndingAt(102), -1)).toMatchObject({ accepted: true, reasons: [] })
    expect(gatesOf(closesEndingAt(102.0001), -1)).toEqual(['moving-average'])
  })

  it('does not mind the other direction', () => {
    expect(verdict(closesEndingAt(90), -1).accepted).toBe(true)
    expect(verdict(closesEndingAt(110), 1).accepted).toBe(true)
  })

  it('fails closed on fewer than 200 bars', () => {
    expect(verdict(closesEndingAt(101).slice(1), 1)).toMatchObject({
      accepted: false,
      reasons: [{ gate: 'moving-average', kind: 'unavailable', message: 'unavailable: 199 of 200 bars' }],
    })
  })
})

describe('efficiency gate', () => {
  /** A path of 24 steps: `up` of them one up, the others one down. */
  const path = (up: number, step: number) => {
    const closes = Array.from({ length: 200 }, () => 100)
    for (let i = 1; i <= 24; i++) closes.push(closes[closes.length - 1] + (i <= up ? step : -step))
    return closes
  }

  it('takes |net move| / path', () => {
    expect(trendEfficiency(Float64Array.of(1, 2, 3))).toBe(1)
    expect(trendEfficiency(Float64Array.of(1, 3, 2))).toBeCloseTo(1 / 3, 12)
    expect(trendEfficiency(Float64Array.of(2, 2))).toBeNaN()
  })

  it('accepts exactly 0.30 and rejects a hair less', () => {
    // Net 3 of a path of 10 in 24 steps: 6.5 up, 3.5 down.
    const steps = [6.5, -3.5, ...Array.from({ length: 22 }, () => 0)]
    const walk = (first: number) => {
      const closes = Array.from({ length: 200 }, () => 1000)
      for (const step of [first, ...steps.slice(1)]) closes.push(closes[closes.length - 1] + step)
      return closes
    }
    expect(verdict(walk(6.5), 1).accepted).toBe(true)
    expect(gatesOf(walk(6.4999), 1)).toEqual(['efficiency'])
  })

  it('rejects a market that goes nowhere and says what it measured', () => {
    const { reasons } = verdict(path(13, 0.01), 1)
    expect(reasons).toEqual([
      { gate: 'efficiency', kind: 'rejected', message: 'trend efficiency over 24 h is 0.083, at least 0.30' },
    ])
  })

  it('fails closed across a gap and where nothing moved', () => {
    const closes = closesEndingAt(101)
    const bars = without(barsFrom('TEST', [100, ...closes]), (index) => index === 190)
    const holed = validate({ bars, asOf: START + 201 * HOUR, direction: 1 }, options)
    expect(holed.reasons.map(({ message }) => message)).toEqual(['unavailable: an hour is missing among the last 24'])
    const still = verdict(
      Array.from({ length: 200 }, () => 100),
      1,
    )
    expect(still.reasons.map(({ message }) => message)).toEqual(['unavailable: the price did not move in 24 h'])
  })
})

describe('moving-average gate on another timeframe', () => {
  const fourHours = WheelOptions.parse({ validation: { timeframeHours: 4, movingAverageBars: 3 } }).validation
  const averageOf = (closes: readonly number[]) => averageClose(barsFrom('TEST', closes), closes.length - 1, 4, 3)
  const closes = Array.from({ length: 24 }, (_, i) => 100 + i)

  it('averages the closes of bars that are over', () => {
    // Four-hour bars from midnight close at rows 3, 7, 11, ...
    expect(averageOf(closes.slice(0, 12))).toEqual({ mean: (103 + 107 + 111) / 3, bars: 3, span: 12 })
    expect(averageOf(closes.slice(0, 15))).toEqual({ mean: (103 + 107 + 111) / 3, bars: 3, span: 12 })
    expect(averageOf(closes.slice(0, 16))).toEqual({ mean: (107 + 111 + 115) / 3, bars: 3, span: 12 })
    expect(averageOf(closes.slice(0, 11))).toMatchObject({ mean: 105, bars: 2 })
    expect(averageOf(closes.slice(0, 2))).toMatchObject({ bars: 0 })
  })

  it('closes a bar at its last known hour and passes over one without any', () => {
    const bars = without(barsFrom('TEST', closes), (row) => row === 11 || (row >= 4 && row < 8))
    expect(averageClose(bars, 7 + 4, 4, 3)).toEqual({ mean: (103 + 110 + 115) / 3, bars: 3, span: 16 })
  })

  it('judges the last close and not that of the last bar', () => {
    const flat = Array.from({ length: 25 }, () => 100)
    // Row 26 is within the bar that began at row 24.
    const gatesAt = (last: number) =>
      validate({ bars: barsFrom('T', [...flat, last]), asOf: START + 26 * HOUR, direction: 1 }, fourHours).reasons
    expect(gatesAt(97).map(({ message }) => message)).toEqual([
      'close is 3.00 % below the average of 3 bars of 4 h, at most 2.00 %',
    ])
    expect(gatesAt(98)).toEqual([])
  })

  it('does not take an average of long ago for one of now', () => {
    const rows = [...Array.from({ length: 60 }, () => 0).keys()]
    const bars = without(
      barsFrom(
        'T',
        rows.map(() => 100),
      ),
      (row) => row >= 4 && row < 52,
    )
    expect(movingAverageGate(bars, bars.close.length - 1, 1, fourHours)).toMatchObject({
      kind: 'unavailable',
      message: 'unavailable: the last 3 bars are spread over 60 h',
    })
  })
})

describe('confidence', () => {
  it('is raised above 0.70 and not at it', () => {
    // Net 17 of a path of 20, then 0.7 exactly and a hair more: 17 up and 3 down.
    const walk = (up: number, down: number) => {
      const closes = Array.from({ length: 200 }, () => 1000)
      for (const step of [up, -down, ...Array.from({ length: 22 }, () => 0)])
        closes.push(closes[closes.length - 1] + step)
      return verdict(closes, 1)
    }
    expect(walk(17, 3)).toMatchObject({ accepted: true, confidence: 1 })
    expect(walk(17.001, 3)).toMatchObject({ accepted: true, confidence: 1.25 })
    expect(walk(10, 9)).toMatchObject({ accepted: false, confidence: 1 })
  })
})

describe('verdict', () => {
  it('lists every reason, not the first', () => {
    const closes = Array.from({ length: 224 }, (_, i) => (i < 200 ? 100 : i % 2 === 0 ? 90 : 91))
    expect(gatesOf(closes, 1)).toEqual(['moving-average'].concat(['efficiency']))
    expect(gatesOf([100, 101], 1)).toEqual(['moving-average', 'efficiency'])
  })

  it('rejects where the newest bar is not the one that just closed', () => {
    const bars = barsFrom('TEST', closesEndingAt(101))
    expect(validate({ bars, asOf: START + 201 * HOUR, direction: 1 }, options)).toMatchObject({
      accepted: false,
      reasons: [{ gate: 'bars', kind: 'unavailable' }],
    })
  })

  const bad = { trades: 99, winRate: 0, returns: 720, sharpe: -9, drawdown: 0.9 }

  it('adds what the record says, and remarks that it cannot say', () => {
    const bars = barsFrom('TEST', closesEndingAt(90))
    const input = { bars, asOf: START + 200 * HOUR, direction: 1 } as const
    expect(validate({ ...input, record: bad }, options).reasons.map(({ gate }) => gate)).toEqual([
      'moving-average',
      'record-sharpe',
      'record-drawdown',
      'record-win-rate',
    ])
    expect(validate({ ...input, record: { ...bad, trades: 1 } }, options)).toMatchObject({
      reasons: [{ gate: 'moving-average' }],
      remarks: ['record: 1 of 20 trades in 30 days'],
    })
    expect(
      validate({ ...input, record: bad }, { ...options, record: { ...options.record, enabled: false } }),
    ).toMatchObject({ reasons: [{ gate: 'moving-average' }], remarks: ['record: switched off'] })
  })

  it('asks no gate where it is switched off, but needs a bar', () => {
    const off = { ...options, enabled: false }
    const input = { bars: barsFrom('TEST', [100, 50]), direction: 1, record: bad } as const
    expect(validate({ ...input, asOf: START + 2 * HOUR }, off)).toEqual({
      accepted: true,
      confidence: 1,
      reasons: [],
      remarks: ['validation: switched off'],
    })
    expect(validate({ ...input, asOf: START + 3 * HOUR }, off).accepted).toBe(false)
  })

  it('is the same whatever comes later, on any timeframe', () => {
    const whole = makeBars('AAA', 500, 4)
    const quick = { ...options, movingAverageBars: 20 }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 499 }), fc.integer({ min: 1, max: 24 }), (row, timeframeHours) => {
        const from = { ...quick, timeframeHours }
        const asOf = START + row * HOUR
        for (const direction of [1, -1] as const) {
          const seen = validate({ bars: barsKnownAt(whole, asOf), asOf, direction }, from)
          expect(validate({ bars: whole, asOf, direction }, from)).toEqual(seen)
          expect(validate({ bars: withOtherFuture(whole, row), asOf, direction }, from)).toEqual(seen)
          expect(seen.accepted).toBe(seen.reasons.length === 0)
          expect([1, from.raiseFactor]).toContain(seen.confidence)
        }
      }),
      { seed: 9 },
    )
  })

  it('does not see the future', () => {
    const closes = closesEndingAt(98)
    const bars = barsFrom('TEST', [...closes, 50, 50])
    expect(validate({ bars, asOf: START + closes.length * HOUR, direction: 1 }, options)).toMatchObject({
      accepted: true,
      reasons: [],
    })
  })
})
