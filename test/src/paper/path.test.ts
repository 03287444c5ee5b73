import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '#data/random.ts'
import { ExchangeOptions } from '#src/options/paper.ts'
import { latencyOf } from '#src/paper/latency.ts'
import { beyondLimit, hourPath, LEGS, priceOn } from '#src/paper/path.ts'
import { barsOf, cloid, FIRST, WARM_UP } from './desk.ts'

const MINUTE = 60_000

describe('the path of an hour', () => {
  const path = (open: number, high: number, low: number, close: number) =>
    hourPath(barsOf('BTC', [[open, high, low, close]]), WARM_UP)

  it('goes against the bar first', () => {
    expect(path(100, 110, 95, 105).price).toEqual([100, 95, 110, 105])
    expect(path(105, 110, 95, 100).price).toEqual([105, 110, 95, 100])
    expect(path(100, 110, 95, 100).price).toEqual([100, 95, 110, 100])
    expect(path(100, 110, 95, 105).time).toEqual([0, 20, 40, 60].map((minutes) => FIRST + minutes * MINUTE))
  })

  it('is linear between its points', () => {
    const rising = path(100, 110, 95, 105)
    const at = (minutes: number) => priceOn(rising, FIRST + minutes * MINUTE)
    expect([0, 10, 20, 28, 40, 50, 60].map(at)).toEqual([100, 97.5, 95, 101, 110, 107.5, 105])
  })

  it('tells when it is beyond a limit, and nothing of a limit it only touches', () => {
    const rising = path(100, 110, 95, 105)
    const beyond = (leg: number, limit: number, side: 'buy' | 'sell', after = FIRST) => {
      const found = beyondLimit(rising, leg, limit, side, after)
      return found && [(found.from - FIRST) / MINUTE, (found.to - FIRST) / MINUTE]
    }
    expect(beyond(0, 96, 'buy')).toEqual([16, 20])
    expect(beyond(1, 98, 'buy')).toEqual([20, 24])
    expect(beyond(0, 96, 'buy', FIRST + 18 * MINUTE)).toEqual([18, 20])
    expect(beyond(0, 95, 'buy')).toBeUndefined()
    expect(beyond(1, 95, 'buy')).toBeUndefined()
    expect(beyond(0, 100, 'sell')).toBeUndefined()
    expect(beyond(1, 107, 'sell')).toEqual([36, 40])
    expect(beyond(2, 104, 'sell')).toEqual([40, 60])
    expect(beyond(1, 98, 'buy', FIRST + 24 * MINUTE)).toBeUndefined()
  })

  it('agrees with a fine scan of the price', () => {
    const price = fc.integer({ min: 90, max: 110 })
    const side = fc.constantFrom<'buy' | 'sell'>('buy', 'sell')
    fc.assert(
      fc.property(price, price, price, side, (open, close, limit, which) => {
        const random = path(open, Math.max(open, close) + 2, Math.min(open, close) - 2, close)
        for (let leg = 0; leg < LEGS; leg++) {
          const found = beyondLimit(random, leg, limit, which, 0)
          for (let k = 0; k < 40; k++) {
            const time = random.time[leg] + (k + 0.5) * 0.5 * MINUTE
            const distance = (which === 'buy' ? 1 : -1) * (limit - priceOn(random, time))
            if (Math.abs(distance) < 1e-9) continue
            const inside = found !== undefined && time > found.from && time < found.to
            expect(inside).toBe(distance > 0)
          }
        }
      }),
      { numRuns: 60, seed: 1 },
    )
  })
})

describe('latency', () => {
  const options = ExchangeOptions.parse({ latencyMs: 1500, latencySpread: 0.5 })
  const draws = Array.from({ length: 2000 }, (_, i) => latencyOf(createRandom(3), cloid(i), options))

  it('is log-normal around its median', () => {
    const logs = draws.map(Math.log)
    const mean = logs.reduce((sum, value) => sum + value, 0) / logs.length
    const deviation = Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / logs.length)
    expect(Math.exp(mean)).toBeGreaterThan(1430)
    expect(Math.exp(mean)).toBeLessThan(1570)
    expect(deviation).toBeCloseTo(0.5, 1)
  })

  it('depends on the seed and the order only', () => {
    const random = createRandom(3)
    const backwards = [3, 2, 1, 0].map((i) => latencyOf(random, cloid(i), options)).reverse()
    expect(backwards).toEqual(draws.slice(0, 4))
    expect(latencyOf(createRandom(4), cloid(0), options)).not.toBe(draws[0])
    expect(latencyOf(random, cloid(0), { ...options, latencyMs: 0 })).toBe(0)
  })
})
