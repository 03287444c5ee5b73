import { allocateBars, type Bars, HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import type { EstimateSeries } from '#src/estimates.ts'

export const START = Date.UTC(2025, 0, 1)

/** Funding that reverts to the baseline and jumps now and then, prices on a drifting random walk. */
export function makeBars(coin: string, hours: number, seed: number): Bars {
  const random = createRandom(seed).fork(coin)
  const bars = allocateBars(coin, hours)
  let close = 100
  let drift = 0
  let funding = 1.25e-5
  for (let i = 0; i < hours; i++) {
    if (i % 36 === 0) drift = 0.003 * random.normal()
    bars.openTime[i] = START + i * HOUR
    bars.open[i] = close
    close *= Math.exp(drift + 0.004 * random.normal())
    bars.close[i] = close
    bars.high[i] = Math.max(bars.open[i], close) * 1.001
    bars.low[i] = Math.min(bars.open[i], close) * 0.999
    bars.volume[i] = 1000 * (1 + random.uniform())
    funding = 1.25e-5 + 0.88 * (funding - 1.25e-5) + 4e-6 * random.normal()
    if (random.uniform() < 0.02) funding += (random.uniform() < 0.5 ? -1 : 1) * 2e-4
    bars.funding[i] = funding
  }
  return bars
}

/** Bars with given closes and funding, one an hour from {@link START}; open, high and low follow from the closes. */
export function barsFrom(coin: string, closes: readonly number[], funding: readonly number[] = []): Bars {
  const bars = allocateBars(coin, closes.length)
  for (const [i, close] of closes.entries()) {
    const open = i > 0 ? closes[i - 1] : close
    bars.openTime[i] = START + i * HOUR
    bars.open[i] = open
    bars.close[i] = close
    bars.high[i] = Math.max(open, close)
    bars.low[i] = Math.min(open, close)
    bars.volume[i] = 1
    bars.funding[i] = funding[i] ?? 1.25e-5
  }
  return bars
}

/** Bars without the rows at `absent`. */
export function without(bars: Bars, absent: (index: number) => boolean): Bars {
  const kept = [...bars.openTime.keys()].filter((index) => !absent(index))
  const pick = (column: Float64Array) => Float64Array.from(kept, (index) => column[index])
  return {
    coin: bars.coin,
    openTime: pick(bars.openTime),
    open: pick(bars.open),
    high: pick(bars.high),
    low: pick(bars.low),
    close: pick(bars.close),
    volume: pick(bars.volume),
    funding: pick(bars.funding),
    openInterest: pick(bars.openInterest),
  }
}

/** A copy in which everything from row `from` on is something else: what a decision before must not notice. */
export function withOtherFuture(bars: Bars, from: number): Bars {
  const copy = without(bars, () => false)
  for (let i = from; i < copy.openTime.length; i++) {
    for (const column of [copy.open, copy.high, copy.low, copy.close, copy.volume]) column[i] *= 3
    copy.funding[i] = -7 * copy.funding[i]
  }
  return copy
}

/** The same probabilities at every hour. */
export function constantEstimates(from: number, to: number, probabilities: readonly number[]): EstimateSeries {
  const rows = (to - from) / HOUR
  return {
    asOf: Float64Array.from({ length: rows }, (_, i) => from + i * HOUR),
    probabilities: Float32Array.from({ length: rows * 3 }, (_, i) => probabilities[i % 3]),
  }
}
