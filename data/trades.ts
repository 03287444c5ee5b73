import { floorToHour, HOUR } from './bars.ts'

/** One trade as the venue reports it. */
export interface Trade {
  readonly coin: string
  /** The aggressor's side: who took liquidity. */
  readonly side: 'buy' | 'sell'
  readonly price: number
  /** Coins. */
  readonly size: number
  /** UTC milliseconds, of the venue. */
  readonly time: number
  /** The venue's number; unique together with coin and time. */
  readonly id: number
}

/** Traded volume by the aggressor's side, hour by hour. */
export interface FlowSeries {
  /** Opening times of the hours, ascending and unique, UTC milliseconds; an hour is known when it is over. */
  readonly openTime: Float64Array
  /** Coins bought and sold by takers; `NaN` where the stream did not cover the whole hour. */
  readonly bought: Float64Array
  readonly sold: Float64Array
}

/**
 * Hourly volumes of streamed trades, and of which hours they are whole.
 *
 * Times are given by whoever streams, from one clock. Coverage is claimed for what was heard of: a connection that is
 * dead and has not told yet covers nothing after its last word.
 */
export interface FlowBook {
  /** From `time` on every trade of `coin` arrives, until it is broken. */
  opened(coin: string, time: number): void
  /** The stream said something at `time`: what was traded in open coins before has arrived, but for `settleMs`. */
  heard(time: number): void
  /** Trades of `coin` may be missing since the stream was last heard, until it is opened again. */
  broken(coin: string): void
  /** Takes trades in any order; one that is already known, or older than what a replay can repeat, is dropped. */
  add(trades: readonly Trade[]): void
  /** The hours of `coin` that are over at `time`, from the first that was streamed at all. */
  series(coin: string, time: number): FlowSeries
  /** {@link series} of every coin that was ever opened: what a scanner takes. */
  flows(time: number): ReadonlyMap<string, FlowSeries>
}

/** @see createFlowBook */
export interface FlowBookOptions {
  /** A trade may arrive so many milliseconds after it was made; an hour is whole when the stream runs so much longer. */
  readonly settleMs?: number
  /** Hours that are remembered. */
  readonly keepHours?: number
}

/** Hours before the newest trade whose trades are known one by one: a replay may repeat any of them. */
const HOURS_OF_IDENTITIES = 2

interface Hour {
  bought: number
  sold: number
  /** `time/id` of each trade; emptied when the hour is too old for a replay. */
  readonly seen: Set<string>
}

interface CoinFlow {
  readonly hours: Map<number, Hour>
  /** Stretches of which every trade arrived, oldest first. */
  readonly covered: { readonly from: number; to: number }[]
  /** Whether the last stretch still grows. */
  open: boolean
  /** Hour of the newest trade. */
  newest: number
}

/**
 * An empty {@link FlowBook}.
 *
 * An hour counts as covered when one stretch between `opened` and `broken` contains it and `settleMs` after it. The first
 * frame after a subscription replays recent trades: those of an hour that is whole are known already and are dropped by
 * (time, coin, id); those of an hour that was broken off do not prove that nothing else is missing, and the hour stays
 * unknown.
 */
export function createFlowBook({ settleMs = 2000, keepHours = 2000 }: FlowBookOptions = {}): FlowBook {
  const coins = new Map<string, CoinFlow>()

  function flowOf(coin: string): CoinFlow {
    let flow = coins.get(coin)
    if (flow === undefined) {
      flow = { hours: new Map(), covered: [], open: false, newest: Number.NEGATIVE_INFINITY }
      coins.set(coin, flow)
    }
    return flow
  }

  /** Lets go of what no replay can repeat and nobody asks for any more. */
  function forget(flow: CoinFlow): void {
    for (const [openTime, hour] of flow.hours) {
      if (openTime < flow.newest - HOURS_OF_IDENTITIES * HOUR) hour.seen.clear()
      if (openTime < flow.newest - keepHours * HOUR) flow.hours.delete(openTime)
    }
    while (flow.covered.length > 1 && flow.covered[0].to < flow.newest - keepHours * HOUR) flow.covered.shift()
  }

  function add({ coin, side, size, time, id }: Trade): void {
    const flow = flowOf(coin)
    const openTime = floorToHour(time)
    if (openTime < flow.newest - HOURS_OF_IDENTITIES * HOUR) return
    if (openTime > flow.newest) {
      flow.newest = openTime
      forget(flow)
    }
    let hour = flow.hours.get(openTime)
    if (hour === undefined) {
      hour = { bought: 0, sold: 0, seen: new Set() }
      flow.hours.set(openTime, hour)
    }
    const identity = `${time}/${id}`
    if (hour.seen.has(identity)) return
    hour.seen.add(identity)
    if (side === 'buy') hour.bought += size
    else hour.sold += size
  }

  function series(coin: string, time: number): FlowSeries {
    const flow = coins.get(coin)
    const end = floorToHour(time)
    const first = flow?.covered[0]?.from
    const start = first === undefined ? end : Math.max(floorToHour(first), end - keepHours * HOUR)
    const length = Math.max(0, (end - start) / HOUR)
    const openTime = Float64Array.from({ length }, (_, i) => start + i * HOUR)
    const bought = new Float64Array(length).fill(Number.NaN)
    const sold = new Float64Array(length).fill(Number.NaN)
    for (const { from, to } of flow?.covered ?? []) {
      const begin = Math.max(0, Math.ceil((from - start) / HOUR))
      for (let i = begin; i < length && openTime[i] + HOUR + settleMs <= to; i++) {
        // A whole hour of which no trade came is an hour without trades.
        bought[i] = flow?.hours.get(openTime[i])?.bought ?? 0
        sold[i] = flow?.hours.get(openTime[i])?.sold ?? 0
      }
    }
    return { openTime, bought, sold }
  }

  return {
    opened(coin, time) {
      const flow = flowOf(coin)
      if (!flow.open) flow.covered.push({ from: time, to: time })
      flow.open = true
    },
    heard(time) {
      for (const { covered, open } of coins.values()) {
        if (open) covered[covered.length - 1].to = time
      }
    },
    broken(coin) {
      flowOf(coin).open = false
    },
    add: (trades) => trades.forEach(add),
    series,
    flows: (time) => new Map(Array.from(coins.keys(), (coin) => [coin, series(coin, time)])),
  }
}
