import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { createRandom } from '#data/random.ts'
import { type HourlyEquity, layerVerdict, layerWorth, VARIANTS, variantsOf } from '#jobs/backtest/layers.ts'
import { WheelOptions } from '#src/options.ts'

const random = () => createRandom(1)

/** Equity that earns the given returns, from 1,000 dollars. */
function equityOf(returns: readonly number[]): HourlyEquity {
  let value = 1000
  return {
    opening: 1000,
    time: returns.map((_, i) => i * HOUR),
    value: returns.map((earned) => {
      value *= 1 + earned
      return value
    }),
  }
}

describe('layerWorth', () => {
  it('is the mean difference of hourly returns a year, and the difference of what was gained', () => {
    const full: HourlyEquity = { opening: 1000, time: [0, HOUR], value: [1010, 1020.1] }
    const variant: HourlyEquity = { opening: 1000, time: [0, HOUR], value: [1000, 1000] }
    const { annualReturn, dollars, hours } = layerWorth(full, variant, random())
    expect(annualReturn.estimate).toBeCloseTo(0.01 * 8760, 9)
    expect(dollars.estimate).toBeCloseTo(20.1, 9)
    expect(hours).toBe(2)
    // Two hours are no interval.
    expect([annualReturn.low, annualReturn.high, dollars.low, dollars.high]).toEqual(Array(4).fill(Number.NaN))
  })

  it('holds nothing but 0 where the layer changed nothing', () => {
    const noise = createRandom(3)
    const run = equityOf(Array.from({ length: 2000 }, () => 0.01 * noise.normal()))
    const worth = layerWorth(run, run, random())
    expect(worth.annualReturn).toEqual({ estimate: 0, low: 0, high: 0 })
    expect(worth.dollars).toEqual({ estimate: 0, low: 0, high: 0 })
    expect(worth.p).toBe(1)
    expect(layerVerdict(worth, worth.p)).toBe('cannot be told')
  })

  it('tells a layer that pays from one that costs, and leaves open what noise hides', () => {
    const noise = createRandom(5)
    const market = Array.from({ length: 3000 }, () => 0.01 * noise.normal())
    const own = (mean: number, spread: number) => equityOf(market.map((each) => each + mean + spread * noise.normal()))
    const without = equityOf(market)
    // The market is in both and falls out: 1 bp an hour shows through 100 bp of it.
    const verdict = (full: HourlyEquity, others = 1) => {
      const worth = layerWorth(full, without, random())
      return layerVerdict(worth, Math.min(1, others * worth.p))
    }
    expect(verdict(own(1e-4, 5e-4))).toBe('pays')
    expect(verdict(own(-1e-4, 5e-4))).toBe('costs')
    expect(verdict(own(1e-5, 5e-3))).toBe('cannot be told')
    expect(verdict(own(1e-4, 5e-4), 1e4)).toBe('cannot be told')
  })

  it('holds the truth about as often as it says, with returns that depend on each other', () => {
    let held = 0
    const runs = 60
    for (let seed = 0; seed < runs; seed++) {
      const noise = createRandom(seed).fork('coverage')
      let level = 0
      const difference = Array.from({ length: 4000 }, () => {
        level = 0.9 * level + noise.normal()
        return 2e-4 + 1e-3 * level
      })
      const worth = layerWorth(equityOf(difference), equityOf(difference.map(() => 0)), random(), { resamples: 400 })
      const { low, high } = worth.annualReturn
      if (low <= 2e-4 * 8760 && 2e-4 * 8760 <= high) held++
    }
    expect(held / runs).toBeGreaterThan(0.85)
  })

  it('turns its sign round with the two runs', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1000, max: 1500 }), (seed, hours) => {
        const noise = createRandom(seed)
        const one = equityOf(Array.from({ length: hours }, () => 0.01 * noise.normal()))
        const other = equityOf(Array.from({ length: hours }, () => 0.01 * noise.normal()))
        const [there, back] = [one, other].map((full, i) =>
          layerWorth(full, i === 0 ? other : one, random(), { resamples: 100 }),
        )
        expect(back.annualReturn.estimate).toBeCloseTo(-there.annualReturn.estimate, 9)
        expect(back.annualReturn.low).toBeCloseTo(-there.annualReturn.high, 6)
        expect(back.dollars.high).toBeCloseTo(-there.dollars.low, 6)
        expect(there.annualReturn.low).toBeLessThan(there.annualReturn.high)
      }),
      { numRuns: 20 },
    )
  })

  it('leaves out hours after a ruin, and refuses runs of other hours or capital', () => {
    const full: HourlyEquity = { opening: 1000, time: [0, HOUR, 2 * HOUR], value: [1000, 1000, 1000] }
    const ruined = { ...full, value: [500, 0, 0] }
    expect(layerWorth(full, ruined, random()).hours).toBe(2)
    expect(() => layerWorth(full, { ...full, opening: 999 }, random())).toThrow(InputError)
    expect(() => layerWorth(full, { ...full, time: [0, HOUR, 3 * HOUR] }, random())).toThrow(InputError)
    expect(() => layerWorth(full, { ...full, value: [1] }, random())).toThrow(InputError)
  })
})

describe('the variants', () => {
  const options = WheelOptions.parse({})

  it('each take away one layer, are valid settings, and leave the scanners alone', () => {
    const variants = variantsOf(options)
    expect(variants.map(({ name }) => name)).toEqual(VARIANTS.map(({ name }) => name))
    const scanners = ['ouFunding', 'kalmanFunding', 'crossSection', 'breakout', 'flow'] as const
    for (const { name, options: changed } of variants) {
      expect(WheelOptions.parse(changed)).toEqual(changed)
      for (const scanner of scanners) expect(changed[scanner]).toEqual(options[scanner])
      const keys = Object.keys(options) as (keyof WheelOptions)[]
      const differing = keys.filter((key) => JSON.stringify(changed[key]) !== JSON.stringify(options[key]))
      expect([name, differing.length]).toEqual([name, 1])
    }
  })

  it('cover every scanner that has a weight', () => {
    const named = variantsOf(options).map(({ name }) => name)
    for (const source of Object.keys(options.fusion.weights)) expect(named).toContain(`without ${source}`)
    const kalman = variantsOf(options).find(({ name }) => name === 'without kalman-funding')!
    expect(kalman.options.fusion.weights).not.toHaveProperty('kalman-funding')
  })

  it('are left out where the layer is off already, and where no scanner would be left', () => {
    const off = WheelOptions.parse({ useRegimes: false, rotation: { enabled: false } })
    const named = variantsOf(off).map(({ name }) => name)
    expect(named).not.toContain('without regimes')
    expect(named).not.toContain('without rotation')
    const alone = WheelOptions.parse({ fusion: { weights: { flow: 1 } } })
    expect(variantsOf(alone).map(({ name }) => name)).not.toContain('without flow')
  })
})
