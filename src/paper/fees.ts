import { toDollars } from '../account/money.ts'
import type { History } from '../ledger/history.ts'
import type { ExchangeOptions } from '../options/paper.ts'

/** Fractions of notional; a negative maker rate is a rebate. */
export interface FeeRates {
  readonly taker: number
  readonly maker: number
}

/** Perpetual fees by 14-day volume in dollars (Hyperliquid document, section 5; equal to the wire on 2026-09-24). */
const TIERS: readonly (FeeRates & { readonly above: number })[] = [
  { above: 7e9, taker: 0.00024, maker: 0 },
  { above: 2e9, taker: 0.00026, maker: 0 },
  { above: 5e8, taker: 0.00028, maker: 0 },
  { above: 1e8, taker: 0.0003, maker: 0.00004 },
  { above: 2.5e7, taker: 0.00035, maker: 0.00008 },
  { above: 5e6, taker: 0.0004, maker: 0.00012 },
]
const BASE: FeeRates = { taker: 0.00045, maker: 0.00015 }

/** Maker rates by the share of the venue's 14-day maker volume. */
const REBATES: readonly { readonly above: number; readonly maker: number }[] = [
  { above: 0.03, maker: -0.00003 },
  { above: 0.015, maker: -0.00002 },
  { above: 0.005, maker: -0.00001 },
]

const DAY = 86_400_000
const WINDOW_DAYS = 14

/**
 * What an account pays. Staking and referral discounts are not modelled: they are the user's, not the strategy's.
 *
 * @param volume14d dollars traded in 14 days.
 * @param makerShare share of the venue's maker volume, 0 to 1.
 */
export function feeRates(volume14d: number, makerShare: number): FeeRates {
  const tier = TIERS.find(({ above }) => volume14d > above) ?? BASE
  const rebate = REBATES.find(({ above }) => makerShare > above)
  return { taker: tier.taker, maker: rebate?.maker ?? tier.maker }
}

/**
 * Dollars traded in the 14 whole UTC days before the day of `time`: the tier is assessed at the end of each UTC day and
 * holds for the next. What was traded before the start, `options.volume14d`, is spread evenly over its 14 days and
 * leaves the window day by day.
 */
export function volume14dAt({ volumeByDay, hours }: History, time: number, options: ExchangeOptions): number {
  const today = Math.floor(time / DAY)
  let micro = 0
  for (let day = today - WINDOW_DAYS; day < today; day++) micro += volumeByDay.get(day) ?? 0
  const started = hours.length === 0 ? today : Math.floor(hours[0].time / DAY)
  const left = Math.max(0, WINDOW_DAYS - (today - started))
  return toDollars(micro) + (options.volume14d * left) / WINDOW_DAYS
}

/** The rates in force at `time`. */
export function feeRatesAt(history: History, time: number, options: ExchangeOptions): FeeRates {
  return feeRates(volume14dAt(history, time, options), options.makerShare)
}

/** What an order at the market pays at `time`, fraction of notional. */
export function takerRateOf(history: History, time: number, options: ExchangeOptions): number {
  return feeRatesAt(history, time, options).taker
}
