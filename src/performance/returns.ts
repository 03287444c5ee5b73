import { HOUR } from '#data/bars.ts'
import type { DepositEvent, HourEvent } from '../ledger/events.ts'

/** Equity at every told hour, and what was earned in it; columns of one length `[hours]`. */
export interface EquityCurve {
  /** Equity at the beginning, micro-dollars. */
  readonly opening: number
  /** End of the hour, UTC milliseconds, ascending. */
  readonly time: Float64Array
  /** Micro-dollars. */
  readonly equity: Float64Array
  /**
   * Simple return of the hour: equity / (equity before + what was paid in) - 1. `NaN` where the hour before was not
   * told, so that all returns are of one length, and where nothing was left to earn on.
   */
  readonly returns: Float64Array
  /** Growth of one dollar since the beginning, money paid in left out; drawdowns are measured on it. */
  readonly growth: Float64Array
}

/**
 * The equity of told hours as returns.
 *
 * Money that comes in during an hour counts as there from its beginning: it dilutes the hour's return, and is never one.
 *
 * @param opening equity before the first hour, micro-dollars
 * @param deposits that came after the opening; ascending
 */
export function equityCurve(
  opening: number,
  hours: readonly Pick<HourEvent, 'time' | 'equity'>[],
  deposits: readonly Pick<DepositEvent, 'time' | 'amount'>[] = [],
): EquityCurve {
  const time = new Float64Array(hours.length)
  const equity = new Float64Array(hours.length)
  const returns = new Float64Array(hours.length)
  const growth = new Float64Array(hours.length)
  let before = opening
  let grown = 1
  let paid = 0
  for (let i = 0; i < hours.length; i++) {
    let base = before
    for (; paid < deposits.length && deposits[paid].time <= hours[i].time; paid++) base += deposits[paid].amount
    const earned = base > 0 ? hours[i].equity / base - 1 : Number.NaN
    const wholeHour = i === 0 || hours[i].time - hours[i - 1].time === HOUR
    time[i] = hours[i].time
    equity[i] = hours[i].equity
    returns[i] = wholeHour ? earned : Number.NaN
    // With nothing left there is nothing to grow: new money after a ruin does not undo it.
    if (!Number.isNaN(earned)) grown *= 1 + earned
    growth[i] = grown
    before = hours[i].equity
  }
  return { opening, time, equity, returns, growth }
}
