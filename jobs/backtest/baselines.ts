import { type Bars, HOUR, lowerBound, type TimeRange } from '#data/bars.ts'
import { toDollars, toMicro } from '#src/account/money.ts'
import type { Missing } from '#src/performance/figure.ts'
import type { HourlyEquity } from './layers.ts'

/** What anyone could have done over the same hours, with the same capital. */
export interface Baseline {
  readonly name: string
  readonly words: string
  readonly equity: HourlyEquity
  /** Dollars: equity change = price + funding - fees. */
  readonly price: number
  readonly funding: number
  readonly fees: number
  /** Hours in which the funding rate is not known and nothing was charged. */
  readonly unknownFundingHours: number
}

/** A baseline that cannot be computed says why. */
export type KnownBaseline = Baseline | ({ readonly name: string } & Missing)

const hoursOf = ({ from, to }: TimeRange): number[] =>
  Array.from({ length: (to - from) / HOUR }, (_, i) => from + i * HOUR)

/** @param range asOf of the hours told, full hours, half-open */
export function doingNothing(range: TimeRange, capitalDollars: number): Baseline {
  const time = hoursOf(range)
  return {
    name: 'doing nothing',
    words: 'the capital as it is, without interest',
    equity: { opening: capitalDollars, time, value: time.map(() => capitalDollars) },
    price: 0,
    funding: 0,
    fees: 0,
    unknownFundingHours: 0,
  }
}

/**
 * Buys a perpetual for the whole capital at the first hour and sells it at the last, both at the close known then and
 * with the taker fee, without slippage; in between it pays the funding of every hour at that hour's close, which stands
 * for the oracle price. Counted in whole micro-dollars, like the ledger.
 *
 * An hour without a bar keeps the last close and pays nothing; it counts as an hour of unknown funding.
 *
 * @param range asOf of the hours told, full hours, half-open, at least two of them
 * @param takerRate fraction of notional
 */
export function holding(bars: Bars, range: TimeRange, capitalDollars: number, takerRate: number): KnownBaseline {
  const name = `holding ${bars.coin}`
  const time = hoursOf(range)
  if (time.length < 2) return { name, unavailable: `the range has ${time.length} hours, two are needed` }
  const first = rowAt(bars, time[0])
  if (first === undefined) {
    return { name, unavailable: `there is no price of ${bars.coin} at ${new Date(time[0]).toISOString()}` }
  }
  const size = capitalDollars / bars.close[first]
  const capital = toMicro(capitalDollars)
  const worth = (close: number) => toMicro(size * close)
  let fees = toMicro(takerRate * capitalDollars)
  let funding = 0
  let unknownFundingHours = 0
  let close = bars.close[first]
  const value = time.map((asOf, i) => {
    if (i > 0) {
      const row = rowAt(bars, asOf)
      const rate = row === undefined ? Number.NaN : bars.funding[row]
      if (row !== undefined) close = bars.close[row]
      if (Number.isNaN(rate)) unknownFundingHours++
      else funding -= toMicro(size * close * rate)
    }
    if (i === time.length - 1) fees += toMicro(takerRate * size * close)
    return toDollars(capital + (worth(close) - capital) + funding - fees)
  })
  return {
    name,
    words: `bought with all of the capital at the first hour, sold at the last, taker fee ${(1e4 * takerRate).toFixed(1)} bp`,
    equity: { opening: capitalDollars, time, value },
    price: toDollars(worth(close) - capital),
    funding: toDollars(funding),
    fees: toDollars(fees),
    unknownFundingHours,
  }
}

/** The bar that ended at `asOf`, where there is one with a price. */
function rowAt(bars: Bars, asOf: number): number | undefined {
  const row = lowerBound(bars.openTime, asOf - HOUR)
  return bars.openTime[row] === asOf - HOUR && bars.close[row] > 0 ? row : undefined
}
