import { HOUR } from '#data/bars.ts'
import type { GraduationEvent, HourEvent, LedgerEvent } from '../ledger/events.ts'
import type { GraduationOptions } from '../options/graduation.ts'
import { type BacktestDistance, distanceToBacktest } from '../performance/distance.ts'
import { type Figure, isKnown, type Missing } from '../performance/figure.ts'
import { type Performance, performanceWithin } from '../performance/performance.ts'
import { sharpeOf } from '../performance/sharpe.ts'
import type { GateInput } from './gates.ts'

/** What the ledger of a strategy says for it, since it began on paper or was reset to it. */
export interface Evidence {
  /** When a person last reset it; undefined: never, all of the ledger counts. UTC milliseconds. */
  readonly resetAt: number | undefined
  /** Every step so far, oldest first. */
  readonly steps: readonly GraduationEvent[]
  /** Hours in which something was decided: hours that were slept through are no trading. */
  readonly decidedHours: number
  readonly performance: Performance
  readonly distance: BacktestDistance | Missing
  readonly input: GateInput
}

/** What is known beside the ledger. */
export interface Findings {
  readonly integrity: GateInput['integrity']
  /** Hours of a backtest over the same days. */
  readonly backtest?: readonly HourEvent[]
}

/**
 * Reads the evidence for the gates from a ledger's events.
 *
 * @param events of one ledger, oldest first; what it told after a range is never looked at, since there is none: a
 *   decision uses the ledger as it is
 */
export function readEvidence(
  events: readonly LedgerEvent[],
  findings: Findings,
  { trailingDays }: Pick<GraduationOptions, 'trailingDays'>,
): Evidence {
  const steps = events.filter((event) => event.kind === 'graduation')
  const resetAt = steps.findLast(({ from, to }) => from === 'demoted' && to === 'paper')?.time
  const from = resetAt ?? Number.NEGATIVE_INFINITY
  const range = resetAt === undefined ? undefined : { from, to: Number.POSITIVE_INFINITY }
  const performance = performanceWithin(events, { range })
  const decidedHours = events.filter(
    (event) => event.kind === 'round' && event.evaluated > 0 && event.time >= from,
  ).length
  const { sharpe, drawdown, curve } = performance
  const hours = events.filter((event) => event.kind === 'hour').filter(({ time }) => time >= from)
  const distance: BacktestDistance | Missing =
    findings.backtest === undefined
      ? { unavailable: 'no backtest over the same days was given' }
      : distanceToBacktest(hours, findings.backtest)
  const trailing = sharpeOf(curve.returns.subarray(Math.max(0, curve.returns.length - trailingDays * 24)))
  return {
    resetAt,
    steps,
    decidedHours,
    performance,
    distance,
    input: {
      days: (decidedHours * HOUR) / DAY,
      sharpe: field(sharpe, 'ratio'),
      sharpeError: field(sharpe, 'standardError'),
      drawdown: field(drawdown, 'depth'),
      winRate: performance.trades.winRate,
      trailingSharpe: field(trailing, 'ratio'),
      integrity: findings.integrity,
      backtestDistance: field(distance, 'greatest'),
    },
  }
}

const DAY = 24 * HOUR

function field<Name extends string>(known: Readonly<Record<Name, number>> | Missing, name: Name): Figure {
  return isKnown(known) ? known[name] : known
}
