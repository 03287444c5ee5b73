import { HOUR } from '#data/bars.ts'
import type { History } from '../ledger/history.ts'
import type { RecordOptions } from '../options/validation.ts'
import { type Reason, rejected, unavailable } from './reason.ts'

/** What the strategy brought in the trailing window. */
export interface TradingRecord {
  /** Trades that were closed in the window. */
  readonly trades: number
  /** Share of them that gained after costs; `NaN` without trades. */
  readonly winRate: number
  /** Hourly returns in the window that the ratio is of. */
  readonly returns: number
  /** Sharpe ratio a year of the hourly returns of equity, idle hours included; `NaN` where they do not vary. */
  readonly sharpe: number
  /** Deepest fall of equity from a peak within the window, fraction of the peak; 0 without hours. */
  readonly drawdown: number
}

const HOURS_A_YEAR = 365 * 24

/**
 * The record of the `windowDays` up to `asOf`: trades closed after the window's start and the equity at every full hour
 * since; nothing after `asOf` is looked at. Walks the window and nothing older.
 *
 * A strategy that a bad record stopped keeps it until the trades have left the window: it waits that long, and then
 * has too few trades to be judged by and may try again.
 */
export function tradingRecord(history: History, asOf: number, options: RecordOptions): TradingRecord {
  const start = asOf - options.windowDays * 24 * HOUR
  let trades = 0
  let won = 0
  for (let i = history.trades.length - 1; i >= 0 && history.trades[i].closedAt > start; i--) {
    if (history.trades[i].closedAt > asOf) continue
    trades++
    if (history.trades[i].net > 0) won++
  }
  const { hours } = history
  let end = hours.length
  while (end > 0 && hours[end - 1].time > asOf) end--
  let first = end
  while (first > 0 && hours[first - 1].time >= start) first--
  let peak = Number.NEGATIVE_INFINITY
  let drawdown = 0
  let mean = 0
  let squares = 0
  let returns = 0
  for (let i = first; i < end; i++) {
    const { equity } = hours[i]
    peak = Math.max(peak, equity)
    drawdown = Math.max(drawdown, 1 - equity / peak)
    if (i === first) continue
    // Welford's recurrence: small returns of a large equity must not cancel.
    const step = equity / hours[i - 1].equity - 1
    returns++
    const delta = step - mean
    mean += delta / returns
    squares += delta * (step - mean)
  }
  const deviation = Math.sqrt(squares / (returns - 1))
  // Rounding leaves returns that do not vary a deviation that is not quite 0.
  const sharpe = deviation > 1e-12 * Math.abs(mean) ? (mean / deviation) * Math.sqrt(HOURS_A_YEAR) : Number.NaN
  return { trades, winRate: trades > 0 ? won / trades : Number.NaN, returns, sharpe, drawdown }
}

/** What the record says against opening more; silent, with a remark, where there are too few trades to say. */
export function recordGate(
  record: TradingRecord | undefined,
  options: RecordOptions,
): { readonly reasons: readonly Reason[]; readonly remark?: string } {
  if (record === undefined) return { reasons: [], remark: 'record: not known' }
  const { drawdown, sharpe, trades, winRate } = record
  if (trades < options.minTrades) {
    return { reasons: [], remark: `record: ${trades} of ${options.minTrades} trades in ${options.windowDays} days` }
  }
  const reasons: Reason[] = []
  const judge = (gate: string, value: number, good: boolean, words: string) => {
    if (Number.isNaN(value)) reasons.push(unavailable(gate, 'equity did not vary, or is not a number'))
    else if (!good) reasons.push(rejected(gate, words))
  }
  const { maxDrawdown, minSharpe, minWinRate } = options
  judge('record-sharpe', sharpe, sharpe > minSharpe, `Sharpe ratio is ${sharpe.toFixed(2)}, must be above ${minSharpe}`)
  const fall = `drawdown is ${percent(drawdown)}, must be below ${percent(maxDrawdown)}`
  judge('record-drawdown', drawdown, drawdown < maxDrawdown, fall)
  const won = `win rate is ${percent(winRate)}, must be above ${percent(minWinRate)}`
  judge('record-win-rate', winRate, winRate > minWinRate, won)
  return { reasons }
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
