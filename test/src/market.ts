import { allocateBars, type Bars, HOUR } from '#data/bars.ts'
import { createRandom } from '#data/random.ts'
import type { FlowSeries } from '#data/trades.ts'
import type { EstimateSeries } from '#src/estimates.ts'
import type { Market } from '#src/scanners/scanner.ts'

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

/** Calm and restless weeks by turns: volume and range rise with the move, and open interest is 50 million dollars. */
export function makeLivelyBars(coin: string, hours: number, seed: number): Bars {
  const bars = makeBars(coin, hours, seed)
  const random = createRandom(seed).fork(`${coin} lively`)
  let close = 100
  let drift = 0
  let noise = 0.004
  for (let i = 0; i < hours; i++) {
    if (i % 48 === 0) {
      noise = 0.002 * Math.exp(0.6 * random.normal())
      drift = 0.5 * noise * random.normal()
    }
    const open = close
    close *= Math.exp(drift + noise * random.normal())
    bars.open[i] = open
    bars.close[i] = close
    bars.high[i] = Math.max(open, close) * (1 + 0.3 * noise)
    bars.low[i] = Math.min(open, close) * (1 - 0.3 * noise)
    bars.volume[i] = 1000 * (0.5 + random.uniform() + Math.abs(close / open - 1) / 0.002)
    bars.openInterest[i] = 5e7 / close
  }
  return bars
}

/** Takers' volume of the hours of `bars`: one side is hit for half a day now and then. */
export function makeFlow(bars: Bars, seed: number): FlowSeries {
  const random = createRandom(seed).fork(`${bars.coin} flow`)
  let share = 0.5
  const bought = bars.volume.map((volume, i) => {
    if (i % 12 === 0) share = 0.5 + (random.uniform() < 0.2 ? 0.3 * random.normal() : 0.02 * random.normal())
    return volume * Math.min(0.98, Math.max(0.02, share + 0.05 * random.normal()))
  })
  return { openTime: bars.openTime, bought, sold: bars.volume.map((volume, i) => volume - bought[i]) }
}

/** A universe of `bars` and `others` lively coins beside it, with the flow of every coin if asked for. */
export function makeMarket(bars: Bars, others: number, flows = false): Market {
  const hours = bars.openTime.length
  const universe = [bars, ...Array.from({ length: others }, (_, i) => makeLivelyBars(`COIN${i}`, hours, 20 + i))]
  if (!flows) return { bars: universe }
  return { bars: universe, flows: new Map(universe.map((one) => [one.coin, makeFlow(one, 5)])) }
}

/** A copy of the market in which everything from hour `from` on is something else, in every coin. */
export function withOtherMarketFuture({ bars, flows }: Market, from: number): Market {
  const other = bars.map((one) => withOtherFuture(one, from))
  if (flows === undefined) return { bars: other }
  const turn = ({ openTime, bought, sold }: FlowSeries): FlowSeries => ({
    openTime,
    bought: bought.map((volume, i) => (i < from ? volume : 5 * sold[i])),
    sold: sold.map((volume, i) => (i < from ? volume : bought[i] / 3)),
  })
  return { bars: other, flows: new Map(Array.from(flows, ([coin, flow]) => [coin, turn(flow)])) }
}

/** What of the market was known at hour `hour`: nothing after it is there at all. */
export function marketKnownAt({ bars, flows }: Market, hour: number): Market {
  const cut = ({ openTime, bought, sold }: FlowSeries): FlowSeries => ({
    openTime: openTime.slice(0, hour),
    bought: bought.slice(0, hour),
    sold: sold.slice(0, hour),
  })
  const known = bars.map((one) => without(one, (index) => index >= hour))
  if (flows === undefined) return { bars: known }
  return { bars: known, flows: new Map(Array.from(flows, ([coin, flow]) => [coin, cut(flow)])) }
}
