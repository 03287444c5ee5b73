import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { WheelOptions } from '#src/options.ts'
import { trendEfficiency } from '#src/validation/efficiency.ts'
import { validate } from '#src/validation/validate.ts'
import { barsFrom, START, without } from '../market.ts'

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

  it('does not see the future', () => {
    const closes = closesEndingAt(98)
    const bars = barsFrom('TEST', [...closes, 50, 50])
    expect(validate({ bars, asOf: START + closes.length * HOUR, direction: 1 }, options)).toMatchObject({
      accepted: true,
      reasons: [],
    })
  })
})
