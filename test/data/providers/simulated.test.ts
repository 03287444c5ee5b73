import { beforeAll, describe, expect, it, test } from 'vitest'
import { HOUR } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import { fundingRate } from '#data/funding-rate.ts'
import { createSimulatedProvider, SIMULATION_HOURS, SIMULATION_START } from '#data/providers/simulated.ts'
import { createRandom } from '#data/random.ts'
import { createDwell, ends } from '#data/simulation/dwell.ts'
import { simulateCoin, simulateCommonFactor } from '#data/simulation/market.ts'
import { oracleProbabilities } from '#data/simulation/oracle.ts'
import { fatTailed } from '#data/simulation/state.ts'
import { describeProvider } from './conformance.ts'

const WHOLE = { from: SIMULATION_START, to: SIMULATION_START + SIMULATION_HOURS * HOUR }

describeProvider('simulated', async () => ({
  provider: createSimulatedProvider({ seed: 3, hours: 600 }),
  coin: 'ETH',
  range: { from: SIMULATION_START, to: SIMULATION_START + 600 * HOUR },
}))

const returnsOf = (close: Float64Array) =>
  Float64Array.from(close.subarray(1), (price, i) => Math.log(price / close[i]))
const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length
function autocorrelation(values: ArrayLike<number>, lag: number): number {
  const centre = mean(values)
  let together = 0
  let alone = 0
  for (let i = 0; i < values.length; i++) {
    alone += (values[i] - centre) ** 2
    if (i >= lag) together += (values[i] - centre) * (values[i - lag] - centre)
  }
  return together / alone
}

test('shocks have variance 1 and fat tails', () => {
  const random = createRandom(1)
  const shocks = Float64Array.from({ length: 100_000 }, () => fatTailed(random))
  expect(mean(shocks)).toBeCloseTo(0, 1)
  expect(mean(shocks.map((shock) => shock ** 2))).toBeCloseTo(1, 1)
  // Student-t with 6 degrees of freedom: kurtosis 6, of a normal 3; its estimate is itself fat-tailed.
  expect(mean(shocks.map((shock) => shock ** 4))).toBeGreaterThan(4.5)
})

describe('the simulated market', () => {
  it('has the highs and lows of a path that goes on between open and close', async () => {
    const provider = createSimulatedProvider({ seed: 11, hours: 20_000, coins: ['BTC'] })
    const { open, high, low, close } = await provider.candles('BTC', {
      from: SIMULATION_START,
      to: SIMULATION_START + 20_000 * HOUR,
    })
    const squares = (to: Float64Array) => mean(to.map((price, i) => Math.log(price / open[i]) ** 2))
    // The maximum of a Brownian motion is distributed like the size of its end: their mean squares are the same.
    expect(squares(high) / squares(close)).toBeCloseTo(1, 0.7)
    expect(squares(low) / squares(close)).toBeCloseTo(1, 0.7)
  })

  it('is the same for the same seed and another for another', async () => {
    const close = async (seed: number) => (await createSimulatedProvider({ seed }).candles('BTC', WHOLE)).close
    expect(await close(7)).toEqual(await close(7))
    expect(await close(7)).not.toEqual(await close(8))
  })

  it('gives a coin the same series whichever other coins and however many hours are asked for', async () => {
    const alone = createSimulatedProvider({ seed: 7, coins: ['SOL'], hours: 500 })
    const range = { from: SIMULATION_START, to: SIMULATION_START + 500 * HOUR }
    const among = createSimulatedProvider({ seed: 7, coins: ['BTC', 'ETH', 'SOL'], hours: 900 })
    await among.candles('ETH', WHOLE)
    expect((await among.candles('SOL', range)).close).toEqual((await alone.candles('SOL', range)).close)
    expect((await among.funding('SOL', range)).rate).toEqual((await alone.funding('SOL', range)).rate)
  })

  it('makes a market of any names', async () => {
    const provider = createSimulatedProvider({ seed: 1, coins: ['FOO', 'constructor'], hours: 300 })
    for (const { coin } of await provider.universe()) {
      expect((await provider.candles(coin, WHOLE)).close.every((price) => price > 0)).toBe(true)
    }
  })

  it('refuses options that make no market', () => {
    expect(() => createSimulatedProvider({ seed: 1.5 })).toThrow(InputError)
    expect(() => createSimulatedProvider({ seed: 1, hours: 0 })).toThrow(InputError)
    expect(() => createSimulatedProvider({ seed: 1, coins: [] })).toThrow(InputError)
    expect(() => createSimulatedProvider({ seed: 1, start: 5 })).toThrow(InputError)
  })

  it('has fat tails, clustered volatility, and coins that move together', async () => {
    const provider = createSimulatedProvider({ seed: 11 })
    const btc = returnsOf((await provider.candles('BTC', WHOLE)).close)
    const eth = returnsOf((await provider.candles('ETH', WHOLE)).close)
    const square = mean(btc.map((r) => r ** 2))
    expect(mean(btc.map((r) => r ** 4)) / square ** 2).toBeGreaterThan(4.5)
    expect(autocorrelation(btc.map(Math.abs), 3)).toBeGreaterThan(0.08)
    const together = mean(btc.map((r, i) => r * eth[i])) / Math.sqrt(square * mean(eth.map((r) => r ** 2)))
    expect(together).toBeGreaterThan(0.3)
    expect(together).toBeLessThan(0.9)
  })

  it('has funding by the formula of the exchange, reverting, often at the baseline', async () => {
    const provider = createSimulatedProvider({ seed: 11 })
    const { rate } = await provider.funding('BTC', WHOLE)
    const premium = provider.premium('BTC', WHOLE)
    for (let i = 0; i < rate.length; i++) expect(Math.abs(rate[i] - fundingRate(premium[i]))).toBeLessThan(1e-10)
    expect(autocorrelation(rate, 1)).toBeGreaterThan(0.65)
    expect(autocorrelation(rate, 1)).toBeLessThan(0.93)
    const baseline = rate.filter((value) => Math.abs(value - 1.25e-5) < 1e-12).length / rate.length
    expect(baseline).toBeGreaterThan(0.35)
    expect(baseline).toBeLessThan(0.7)
  })

  it('dwells in every regime, and leaves traces of it in volatility and funding', async () => {
    const provider = createSimulatedProvider({ seed: 11 })
    const hours = [0, 0, 0]
    const squares = [0, 0, 0]
    for (const { coin } of await provider.universe()) {
      const { close, openTime } = await provider.candles(coin, WHOLE)
      const regimes = provider.regimes(coin, WHOLE)
      expect(regimes).toHaveLength(openTime.length)
      const returns = returnsOf(close)
      const scale = mean(returns.map((r) => r ** 2))
      returns.forEach((r, i) => {
        hours[regimes[i + 1]]++
        squares[regimes[i + 1]] += r ** 2 / scale
      })
    }
    const total = hours[0] + hours[1] + hours[2]
    for (const count of hours) expect(count / total).toBeGreaterThan(0.15)
    expect(squares[0] / hours[0]).toBeLessThan(squares[1] / hours[1])
    expect(squares[1] / hours[1]).toBeLessThan(squares[2] / hours[2])
  })

  // It takes 0.2 s on one idle core; the limit leaves room for a busy machine.
  it('makes eight coins of half a year in little time', async () => {
    const started = performance.now()
    const provider = createSimulatedProvider({ seed: 5 })
    for (const { coin } of await provider.universe()) await provider.candles(coin, WHOLE)
    expect(performance.now() - started).toBeLessThan(3000)
  })
})

describe('the dwell of a regime', () => {
  it('has the mean asked for, and a hazard that rises from nothing', () => {
    const dwell = createDwell(30, 3, 4)
    const random = createRandom(2)
    let hours = 0
    for (let i = 0; i < 4000; i++) {
      let age = 1
      while (!ends(dwell, age, random)) age++
      hours += age
    }
    expect(hours / 4000).toBeGreaterThan(28.5)
    expect(hours / 4000).toBeLessThan(31.5)
    expect(dwell.hazard[3]).toBe(0)
    expect(dwell.hazard[5]).toBeLessThan(dwell.hazard[30])
  })
})

describe('the oracle', () => {
  const provider = createSimulatedProvider({ seed: 7 })
  const halfWidth = 12
  const kappa = 1.05
  const rows = Array.from({ length: 160 }, (_, i) => 200 + i * 25)
  const moments = Float64Array.from(rows, (row) => SIMULATION_START + (row + 1) * HOUR)
  const coins = ['BTC', 'ETH', 'SOL', 'DOGE']
  const answers = new Map<string, Float32Array>()
  const labels = new Map<string, number[]>()
  const ask = (coin: string, seed: number, paths: number) =>
    provider.oracle(coin, moments, { paths, random: createRandom(seed), halfWidth, kappa })

  beforeAll(async () => {
    for (const coin of coins) {
      answers.set(coin, ask(coin, 1, 150))
      const { close } = await provider.candles(coin, WHOLE)
      const returns = returnsOf(close)
      labels.set(
        coin,
        rows.map((row) => {
          const sigma = Math.sqrt(mean(returns.slice(row - 168, row).map((r) => r ** 2)))
          const before = Math.log(close[row] / close[row - halfWidth])
          const after = Math.log(close[row + halfWidth] / close[row])
          if ((Math.abs(before) + Math.abs(after)) / (sigma * Math.sqrt(halfWidth)) < kappa) return 0
          return before > 0 === after > 0 ? 1 : 2
        }),
      )
    }
  })

  it('gives probabilities that sum to one and none that is zero', () => {
    const answer = answers.get('BTC') as Float32Array
    for (let row = 0; row < rows.length; row++) {
      const [chop, trend, reversal] = answer.subarray(row * 3, row * 3 + 3)
      expect(chop + trend + reversal).toBeCloseTo(1, 5)
      expect(Math.min(chop, trend, reversal)).toBeGreaterThan(0)
    }
  })

  it('is right more often than chance and says how often: it is calibrated', () => {
    let right = 0
    let claimed = 0
    let loss = 0
    let count = 0
    for (const coin of coins) {
      const answer = answers.get(coin) as Float32Array
      labels.get(coin)?.forEach((label, row) => {
        const p = answer.subarray(row * 3, row * 3 + 3)
        const best = p.indexOf(Math.max(...p))
        right += best === label ? 1 : 0
        claimed += p[best]
        loss -= Math.log(p[label])
        count++
      })
    }
    expect(right / count).toBeGreaterThan(0.62)
    expect(loss / count).toBeLessThan(0.85)
    // Three standard errors of a share over 640 answers.
    expect(Math.abs(right - claimed) / count).toBeLessThan(0.055)
  })

  it('is the same for the same random stream, and within its stated error for another', () => {
    expect(ask('BTC', 1, 150)).toEqual(answers.get('BTC'))
    const other = ask('BTC', 2, 150)
    const one = answers.get('BTC') as Float32Array
    const errors = Array.from(other, (p, i) => Math.abs(p - one[i]))
    expect(mean(errors)).toBeLessThan(0.05)
    expect(Math.max(...errors)).toBeLessThan((5 * Math.SQRT2 * 0.5) / Math.sqrt(150))
  })

  it('measures a move by the last 168 returns and nothing before them', () => {
    const whole = simulateCoin(
      'BTC',
      SIMULATION_START,
      300,
      simulateCommonFactor(300, createRandom(1)),
      createRandom(2),
    )
    const asOf = Float64Array.of(SIMULATION_START + 251 * HOUR)
    const answer = (changed: number) => {
      const close = whole.candles.close.slice()
      close.fill(1e6, 0, changed)
      const coin = { ...whole, candles: { ...whole.candles, close } }
      return oracleProbabilities(coin, asOf, { paths: 300, random: createRandom(3), halfWidth, kappa })
    }
    // Bar 250 ends then; its first return within sigma is from bar 82 to bar 83.
    expect(answer(82)).toEqual(answer(0))
    expect(answer(83)).not.toEqual(answer(0))
  })

  it('has no answer before sigma is known or where no bar ends', () => {
    const times = Float64Array.of(
      SIMULATION_START + 100 * HOUR,
      SIMULATION_START + 300 * HOUR + 1,
      WHOLE.to + 50 * HOUR,
    )
    const answer = provider.oracle('BTC', times, { paths: 5, random: createRandom(1), halfWidth, kappa })
    expect(answer.every(Number.isNaN)).toBe(true)
  })
})
