import { allocateBars, type Bars, HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'

/** Where the random walks of the tests begin: 2025-01-01T00:00Z. */
export const START = Date.UTC(2025, 0, 1)

/** A random walk of `hours` bars from `seed`, leaving out the hours for which `absent` is true. */
export function randomBars(seed: number, hours: number, absent: (hour: number) => boolean = () => false): Bars {
  const random = createRandom(seed)
  const present = Array.from({ length: hours }, (_, hour) => hour).filter((hour) => !absent(hour))
  const bars = allocateBars('BTC', present.length)
  const prices = new Float64Array(hours)
  let price = 100
  const [volumes, rates, spreads] = [new Float64Array(hours), new Float64Array(hours), new Float64Array(hours)]
  for (let hour = 0; hour < hours; hour++) {
    price *= Math.exp(0.01 * random.normal())
    prices[hour] = price
    volumes[hour] = 1000 * Math.exp(random.normal())
    rates[hour] = 1.25e-5 + 1e-5 * random.normal()
    spreads[hour] = 0.002 + 0.01 * random.uniform()
  }
  present.forEach((hour, row) => {
    bars.openTime[row] = START + hour * HOUR
    bars.open[row] = prices[Math.max(0, hour - 1)]
    bars.close[row] = prices[hour]
    bars.high[row] = Math.max(bars.open[row], bars.close[row]) * (1 + spreads[hour])
    bars.low[row] = Math.min(bars.open[row], bars.close[row]) * (1 - spreads[hour])
    bars.volume[row] = volumes[hour]
    bars.funding[row] = rates[hour]
    bars.openInterest[row] = 5000 + hour
  })
  return bars
}
