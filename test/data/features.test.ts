import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Bars, HOUR, viewBars } from '#data/bars.ts'
import { computeFeatures, FEATURES, type Feature, WARM_UP_HOURS } from '#data/features.ts'
import { randomBars } from '../markets.ts'

/** The definitions of design section 4, written again as plainly as possible for one row. */
function plainly(bars: Bars, row: number): Record<Feature, number> {
  const { close, volume, high, low, funding, openInterest } = bars
  const returns = Array.from({ length: row }, (_, i) => Math.log(close[i + 1] / close[i]))
  const mean = (values: ArrayLike<number>, hours: number) =>
    Array.from(values)
      .slice(-hours)
      .reduce((sum, value) => sum + value, 0) / hours
  const rootMeanSquare = (hours: number) =>
    Math.sqrt(
      mean(
        returns.map((r) => r * r),
        hours,
      ),
    )
  const spread = Array.from({ length: row + 1 }, (_, i) => (high[i] - low[i]) / close[i])
  const sigma = rootMeanSquare(168)
  const over = (hours: number) => Math.log(close[row] / close[row - hours]) / (sigma * Math.sqrt(hours))
  const asOf = new Date(bars.openTime[row] + HOUR)
  const nextHalfDay = Array.from({ length: 12 }, (_, hour) =>
    new Date(asOf.getTime() + hour * HOUR).toUTCString().slice(0, 3),
  )
  return {
    return: returns[row - 1] / sigma,
    return12: Math.log(close[row] / close[row - 12]) / (sigma * Math.sqrt(12)),
    volatility: Math.log(rootMeanSquare(24) / sigma),
    funding: Math.asinh(funding[row] / 5e-5),
    volumeTrend: Math.log(mean(volume.subarray(0, row + 1), 24) / mean(volume.subarray(0, row + 1), 168)),
    range: Math.log(spread[row] / mean(spread, 168)),
    openInterest: Math.log(openInterest[row] / openInterest[row - 24]),
    return24: over(24),
    return48: over(48),
    return96: over(96),
    return168: over(168),
    hourSine: Math.sin((asOf.getUTCHours() / 12) * Math.PI),
    hourCosine: Math.cos((asOf.getUTCHours() / 12) * Math.PI),
    weekend: nextHalfDay.filter((day) => day === 'Sat' || day === 'Sun').length / 12,
  }
}

const featureOf = (table: ReturnType<typeof computeFeatures>, row: number, feature: Feature) =>
  table.values[row * FEATURES.length + FEATURES.indexOf(feature)]

describe('computeFeatures', () => {
  const bars = randomBars(1, 260)
  const table = computeFeatures(bars)

  it.each(FEATURES)('computes %s as the design defines it', (feature) => {
    for (const row of [168, 200, 259]) {
      expect(featureOf(table, row, feature)).toBeCloseTo(plainly(bars, row)[feature], 5)
    }
  })

  it('knows nothing that needs a week before a week has passed', () => {
    for (const feature of ['return', 'return12', 'volatility', 'volumeTrend', 'range'] as const) {
      expect(featureOf(table, WARM_UP_HOURS - 2, feature)).toBeNaN()
    }
    expect(table.sigma[WARM_UP_HOURS - 1]).toBeNaN()
    expect(table.sigma[WARM_UP_HOURS]).toBeGreaterThan(0)
  })

  it('is causal: later bars change no earlier value', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 1, max: 400 }), (seed, known) => {
        const all = randomBars(seed, 420, (hour) => (hour * 7919 + seed) % 23 === 0)
        const whole = computeFeatures(all)
        const part = computeFeatures(viewBars(all, 0, Math.min(known, all.openTime.length)))
        expect(part.values).toEqual(whole.values.subarray(0, part.values.length))
        expect(part.sigma).toEqual(whole.sigma.subarray(0, part.sigma.length))
      }),
      { numRuns: 40 },
    )
  })

  it('calls a return across an absent hour missing, and leaves the rest of the row alone', () => {
    const gap = computeFeatures(randomBars(1, 260, (hour) => hour === 220))
    const after = 220
    expect(gap.asOf[after] - gap.asOf[after - 1]).toBe(2 * 3_600_000)
    expect(featureOf(gap, after, 'return')).toBeNaN()
    expect(featureOf(gap, after, 'return12')).not.toBeNaN()
    expect(featureOf(gap, after + 11, 'return12')).toBeNaN()
    expect(featureOf(gap, after, 'volatility')).not.toBeNaN()
  })

  it('has no open interest or funding where the bars have none', () => {
    const bare = randomBars(1, 200)
    bare.openInterest.fill(Number.NaN)
    bare.funding[190] = Number.NaN
    const features = computeFeatures(bare)
    expect(featureOf(features, 190, 'openInterest')).toBeNaN()
    expect(featureOf(features, 190, 'funding')).toBeNaN()
    expect(featureOf(features, 191, 'funding')).not.toBeNaN()
  })

  it('turns a market that does not move into missing values, not infinities', () => {
    const flat = randomBars(1, 300)
    for (const column of [flat.open, flat.high, flat.low, flat.close]) column.fill(100)
    flat.volume.fill(0)
    const { values } = computeFeatures(flat)
    expect(values.every((value) => Number.isNaN(value) || Number.isFinite(value))).toBe(true)
    expect(computeFeatures(flat).sigma.every(Number.isNaN)).toBe(true)
  })

  it('knows a mean over hours of which three quarters are there, and no fewer', () => {
    const volumeTrend = (present: number) => {
      // The 24 hours that end with bar 299 hold `present` bars.
      const bars = randomBars(1, 300, (hour) => hour >= 276 && hour < 300 - present)
      return featureOf(computeFeatures(bars), bars.openTime.length - 1, 'volumeTrend')
    }
    expect(volumeTrend(18)).not.toBeNaN()
    expect(volumeTrend(17)).toBeNaN()
  })

  it('takes no bars', () => {
    expect(computeFeatures(randomBars(1, 0)).values).toHaveLength(0)
  })
})
