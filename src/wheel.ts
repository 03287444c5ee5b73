import { setImmediate } from 'node:timers/promises'
import { type Bars, HOUR, lowerBound, type TimeRange } from '#data/bars.ts'
import { InputError } from '#data/errors.ts'
import type { ProgressListener } from '#data/progress.ts'
import type { Instrument } from '#data/provider.ts'
import { REGIMES } from '#models/regime.ts'
import { createDecisionLog, type DecisionLog, logClosing, logOpening, logRejection } from './decision.ts'
import { type Entry, evaluateEntry } from './entry.ts'
import { checkEstimates, type EstimateSeries, estimateAt } from './estimates.ts'
import { type ExitReason, exitReason, holdUntil, type Plan } from './exit.ts'
import type { WheelOptions } from './options.ts'
import { type Account, checkIdentity, createAccount, totals } from './paper/account.ts'
import { type HourClose, sizeFor } from './paper/exchange.ts'
import { toDollars, toMicro } from './paper/money.ts'
import {
  grossValue,
  type HourOutcome,
  isFree,
  orderClosing,
  orderOpening,
  passHour,
  renewPlan,
  type Slot,
} from './positions.ts'
import { createKalmanFundingScanner } from './scanners/kalman-funding.ts'
import { createOuFundingScanner } from './scanners/ou-funding.ts'
import { type Direction, isSignal, type Scan, type Scanner } from './scanners/scanner.ts'
import { type Reason, rejected } from './validation.ts'
import { summarise, type WheelResult } from './wheel-result.ts'

export interface WheelInput {
  /** Whole history of each coin, warm-up before `range.from` included. */
  readonly bars: readonly Bars[]
  /** Regime estimates by coin; a coin without any is never opened. */
  readonly estimates: ReadonlyMap<string, EstimateSeries>
  /** asOf of the decisions, full hours, `[from, to)`. */
  readonly range: TimeRange
  readonly options: WheelOptions
  /** Where the size decimals come from; `options.exchange.sizeDecimals` where a coin has none. */
  readonly instruments?: readonly Instrument[]
  readonly progress?: ProgressListener
  readonly signal?: AbortSignal
}

/** One coin on the wheel. */
interface Spoke extends Slot {
  readonly bars: Bars
  readonly estimates: EstimateSeries | undefined
  readonly sizeDecimals: number
  /** Steps down to a simpler method, per source: hours, and how often it began. */
  readonly degraded: Map<string, { hours: number; switches: number; now: boolean }>
}

const TREND = REGIMES.indexOf('trend')
const HOURS_BETWEEN_PAUSES = 24

/**
 * Turns the funding wheel over `range`: hour by hour, funding is settled, orders fill, positions are marked, and
 * then each coin is decided upon with what is known at that hour (bars opened an hour before or earlier).
 *
 * - An order decided at T fills at T + 1 h, at the close of the bar opened at T, less slippage.
 * - Nothing is opened that could not be closed within the range; at its last hour everything is flat.
 * - Money is counted in whole micro-dollars, and the PnL identity is checked every hour.
 *
 * @throws {InputError} where the range, the coins or the estimates are not usable.
 * @throws {MillraceError} `fail-closed` where the account does not add up.
 */
export async function runWheel(input: WheelInput): Promise<WheelResult> {
  const { range, options, progress, signal } = input
  checkRange(range)
  const spokes = createSpokes(input)
  const scanners = [createOuFundingScanner(options.ouFunding), createKalmanFundingScanner(options.kalmanFunding)]
  const account = createAccount(toMicro(options.capitalDollars))
  const log = createDecisionLog()
  const outcome: HourOutcome = { opened: 0, lapsed: 0, unknownFunding: 0, staleMarks: 0, staleFills: 0, trades: [] }
  const hours = (range.to - range.from) / HOUR
  const lastHour = range.to - HOUR
  const equity = { time: new Float64Array(hours), value: new Float64Array(hours) }

  for (let i = 0; i < hours; i++) {
    const asOf = range.from + i * HOUR
    for (const spoke of spokes) {
      passHour(account, spoke, closeOf(spoke.bars, asOf), options.exchange, asOf === lastHour, outcome)
    }
    equity.time[i] = asOf
    equity.value[i] = toDollars(account.start + checkIdentity(account).equityChange)
    if (asOf < lastHour) decide(account, spokes, scanners, asOf, lastHour, options, log)
    if (i % HOURS_BETWEEN_PAUSES === 0) {
      progress?.({ stage: 'wheel', done: i, total: hours })
      // Lets a worker renew its lock and an abort arrive.
      await setImmediate()
      signal?.throwIfAborted()
    }
  }
  progress?.({ stage: 'wheel', done: hours, total: hours })
  return summarise(account, log, outcome, equity, spokes)
}

function checkRange({ from, to }: TimeRange): void {
  if (Number.isInteger(from / HOUR) && Number.isInteger(to / HOUR) && to > from) return
  throw new InputError(`the wheel's range must run from one full hour to a later one, got ${from} to ${to}`, {
    from,
    to,
  })
}

function createSpokes({ bars, estimates, instruments, options }: WheelInput): Spoke[] {
  const decimals = new Map(instruments?.map(({ coin, sizeDecimals }) => [coin, sizeDecimals]))
  const seen = new Set<string>()
  return bars.map((history) => {
    const { coin } = history
    if (seen.has(coin)) throw new InputError(`${coin} is given twice`, { coin })
    seen.add(coin)
    const series = estimates.get(coin)
    if (series !== undefined) checkEstimates(coin, series)
    const sizeDecimals = decimals.get(coin) ?? options.exchange.sizeDecimals
    return { coin, bars: history, estimates: series, sizeDecimals, degraded: new Map() }
  })
}

/** Close and funding of the bar that ended at `time`. */
function closeOf(bars: Bars, time: number): HourClose {
  const row = lowerBound(bars.openTime, time - HOUR)
  if (bars.openTime[row] !== time - HOUR) return { time, price: Number.NaN, funding: Number.NaN }
  return { time, price: bars.close[row], funding: bars.funding[row] }
}

/** Decides upon every coin at one hour: first what is open, then what could be opened, best conviction first. */
function decide(
  account: Account,
  spokes: readonly Spoke[],
  scanners: readonly Scanner[],
  asOf: number,
  lastHour: number,
  options: WheelOptions,
  log: DecisionLog,
): void {
  const mayOpen = asOf <= lastHour - 2 * HOUR
  const openings: { spoke: Spoke; entry: Entry; scans: readonly Scan[] }[] = []
  for (const spoke of spokes) {
    log.evaluated++
    if (spoke.position !== undefined) {
      if (spoke.order === undefined) manage(account, spoke, spoke.position.plan, scanners, asOf, mayOpen, options, log)
    } else if (spoke.order === undefined && mayOpen) {
      const scans = ask(spoke, scanners, asOf)
      const entry = enter(spoke, scans, asOf, options)
      if (entry.candidate && entry.reasons.length === 0) openings.push({ spoke, entry, scans })
      else logRejection(log, spoke.coin, asOf, entry)
    }
  }
  openings.sort(
    (a, b) => b.entry.fusion.conviction - a.entry.fusion.conviction || (a.spoke.coin < b.spoke.coin ? -1 : 1),
  )
  const room = roomFor(account, spokes, options)
  for (const { spoke, entry, scans } of openings) {
    const direction = entry.fusion.direction as 1 | -1
    const { price } = closeOf(spoke.bars, asOf)
    const size = sizeFor(options.positionDollars, price, spoke.sizeDecimals)
    const notional = toMicro(size * price)
    const against = capReasons(room, notional, options)
    if (against.length > 0) {
      logRejection(log, spoke.coin, asOf, entry, against)
      continue
    }
    room.positions--
    room.gross -= notional
    const trendProbability = estimateAt(spoke.estimates, asOf, options.maxEstimateAgeHours)![TREND]
    const until = holdUntil(asOf, entry.fusion.horizonHours)
    orderOpening(account, spoke, direction * size, { direction, decidedAt: asOf, holdUntil: until, trendProbability })
    logOpening(log, 'open', spoke.coin, asOf, entry, scans)
  }
}

/** Keeps, renews or closes an open position. */
function manage(
  account: Account,
  spoke: Spoke,
  plan: Plan,
  scanners: readonly Scanner[],
  asOf: number,
  mayOpen: boolean,
  options: WheelOptions,
  log: DecisionLog,
): void {
  const close = (reason: ExitReason) => {
    orderClosing(account, spoke, asOf, reason)
    logClosing(log, spoke.coin, asOf, plan.direction, reason)
  }
  if (!mayOpen) {
    close('end of period')
    return
  }
  const estimate = estimateAt(spoke.estimates, asOf, options.maxEstimateAgeHours)
  const scans = ask(spoke, scanners, asOf, plan.direction)
  const reason = exitReason(plan, asOf, scans, estimate, options.exitTrendProbability)
  if (reason === 'horizon') {
    // Closing what would be opened again at once would pay a round trip for nothing.
    const fresh = scanners.map((scanner) => scanner.scan(spoke.bars, asOf))
    const entry = enter(spoke, fresh, asOf, options)
    if (entry.candidate && entry.reasons.length === 0 && entry.fusion.direction === plan.direction) {
      renewPlan(spoke, holdUntil(asOf, entry.fusion.horizonHours))
      logOpening(log, 'renew', spoke.coin, asOf, entry, fresh)
      return
    }
  }
  if (reason !== undefined) close(reason)
}

function enter(spoke: Spoke, scans: readonly Scan[], asOf: number, options: WheelOptions): Entry {
  const estimate = estimateAt(spoke.estimates, asOf, options.maxEstimateAgeHours)
  return evaluateEntry(spoke.bars, asOf, scans, estimate, options)
}

/** Asks every scanner and counts the hours in which one had stepped down. */
function ask(spoke: Spoke, scanners: readonly Scanner[], asOf: number, held?: Direction): Scan[] {
  return scanners.map((scanner) => {
    const scan = scanner.scan(spoke.bars, asOf, held)
    const now = isSignal(scan) && scan.degraded !== undefined
    const count = spoke.degraded.get(scanner.source) ?? { hours: 0, switches: 0, now: false }
    if (now) count.hours++
    if (now && !count.now) count.switches++
    count.now = now
    spoke.degraded.set(scanner.source, count)
    return scan
  })
}

/** What the caps leave: positions, and gross notional in micro-dollars. */
function roomFor(account: Account, spokes: readonly Spoke[], options: WheelOptions) {
  const equity = account.start + totals(account).equityChange
  return {
    positions: options.maxPositions - spokes.filter((spoke) => !isFree(spoke)).length,
    gross: Math.floor(equity * options.maxGrossLeverage) - grossValue(account),
  }
}

function capReasons(room: { positions: number; gross: number }, notional: number, options: WheelOptions): Reason[] {
  const reasons: Reason[] = []
  const { minOrderDollars } = options.exchange
  if (room.positions <= 0) reasons.push(rejected('positions', `${options.maxPositions} positions are open`))
  if (notional > room.gross) {
    const left = toDollars(Math.max(0, room.gross)).toFixed(2)
    reasons.push(rejected('gross', `${left} dollars are left under ${options.maxGrossLeverage} times equity`))
  }
  if (notional < toMicro(minOrderDollars)) {
    reasons.push(rejected('size', `${toDollars(notional).toFixed(2)} dollars is below the least of ${minOrderDollars}`))
  }
  return reasons
}
