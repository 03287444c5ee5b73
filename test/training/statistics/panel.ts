import { HOUR } from '#data/bars.ts'
import type { Random } from '#data/random.ts'

/** Hours times coins of a standard normal variable that remembers: correlation `memory` between neighbouring hours. */
export function remembering(random: Random, hours: number, coins: number, memory: number): Float64Array {
  const values = new Float64Array(hours * coins)
  const state = Float64Array.from({ length: coins + 1 }, () => random.normal())
  const fresh = Math.sqrt(1 - memory * memory)
  for (let h = 0; h < hours; h++) {
    for (let c = 0; c <= coins; c++) state[c] = memory * state[c] + fresh * random.normal()
    // Two fifths of the variance are common to all coins, as in a market.
    for (let c = 0; c < coins; c++) values[h * coins + c] = Math.sqrt(0.4) * state[coins] + Math.sqrt(0.6) * state[c]
  }
  return values
}

/** The third of a standard normal distribution that `z` lies in. */
export function third(z: number): number {
  return z < -0.4307 ? 0 : z < 0.4307 ? 1 : 2
}

/** Coin and time of each sample of a panel, hour by hour. */
export function panel(hours: number, coins: number) {
  const asOf = Float64Array.from({ length: hours * coins }, (_, i) => Math.floor(i / coins) * HOUR)
  return { asOf, coin: Array.from(asOf, (_, i) => `C${i % coins}`) }
}

/** Labels, and two models that see them through persistent noise, the second through more of it. */
export function forecasts(random: Random, hours: number, coins: number, memory: number) {
  const signal = remembering(random, hours, coins, memory)
  const noise = remembering(random, hours, coins, memory)
  const other = remembering(random, hours, coins, memory)
  return {
    ...panel(hours, coins),
    label: Uint8Array.from(signal, third),
    first: Uint8Array.from(signal, (z, i) => third((z + 1.2 * noise[i]) / Math.hypot(1, 1.2))),
    second: Uint8Array.from(signal, (z, i) => {
      return third((z + 1.5 * (0.6 * noise[i] + 0.8 * other[i])) / Math.hypot(1, 1.5))
    }),
  }
}
