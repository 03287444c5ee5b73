import type { GraduationOptions } from '../options/graduation.ts'
import { describeFigure, type Figure, isKnown, type Missing } from '../performance/figure.ts'

/** What the gates are judged by; what is not known does not pass. */
export interface GateInput {
  /** Days (24 decided hours each) on paper since it began, or began anew. */
  readonly days: number
  /** Of that time; ratio a year, fractions. */
  readonly sharpe: Figure
  /** Standard error of the ratio, told beside it. */
  readonly sharpeError: Figure
  readonly drawdown: Figure
  readonly winRate: Figure
  /** Over the last `trailingDays`. */
  readonly trailingSharpe: Figure
  /** Whether the ledger is whole, and what the check has found. */
  readonly integrity: { readonly clean: boolean; readonly figure: string } | Missing
  /** Greatest distance of paper from a backtest over the same days, fraction of capital. */
  readonly backtestDistance: Figure
}

/** One condition between paper and money. */
export interface Gate {
  readonly name: GateName
  readonly passed: boolean
  /** What was found, or why it is not known. */
  readonly figure: string
  /** What it is held against. */
  readonly threshold: string
  /** True where failing it takes away what was granted already. */
  readonly demotes: boolean
}

export const GATE_NAMES = [
  'days',
  'sharpe',
  'drawdown',
  'win rate',
  'integrity',
  'backtest distance',
  'trailing sharpe',
] as const
export type GateName = (typeof GATE_NAMES)[number]

const percent = (value: number) => `${(100 * value).toFixed(2)} %`
const ratio = (value: number) => value.toFixed(2)

/**
 * The gates between paper and money, each with its figure.
 *
 * Three of them demote when they fail later: `drawdown` and `integrity`, because money or the books are in doubt, and
 * `trailing sharpe`, because what was granted on old hours must still hold on new ones. It is held against
 * `demotionSharpe` (0: no loss), not against `minSharpe`: over 20 days the ratio's standard error is above 4, and a
 * narrower rule would decide by chance. The other gates ask whether there is enough to judge by, or compare with the
 * past: failing them later takes eligibility away, not an approval.
 */
export function graduationGates(input: GateInput, options: GraduationOptions): Gate[] {
  const { days, sharpe, sharpeError, drawdown, winRate, trailingSharpe, integrity, backtestDistance } = input
  const gate = (name: GateName, passed: boolean, figure: string, threshold: string, demotes = false): Gate => ({
    name,
    passed,
    figure,
    threshold,
    demotes,
  })
  const above = (figure: Figure, least: number) => isKnown<number>(figure) && figure > least
  const error = isKnown<number>(sharpeError) ? ` +- ${ratio(sharpeError)}` : ''
  return [
    gate('days', days >= options.minDays, days.toFixed(1), `at least ${options.minDays}`),
    gate(
      'sharpe',
      above(sharpe, options.minSharpe),
      describeFigure(sharpe, (value) => `${ratio(value)}${error}`),
      `above ${options.minSharpe}`,
    ),
    gate(
      'drawdown',
      isKnown<number>(drawdown) && drawdown < options.maxDrawdown,
      describeFigure(drawdown, percent),
      `below ${percent(options.maxDrawdown)}`,
      true,
    ),
    gate(
      'win rate',
      above(winRate, options.minWinRate),
      describeFigure(winRate, percent),
      `above ${percent(options.minWinRate)}`,
    ),
    gate(
      'integrity',
      isKnown(integrity) && integrity.clean,
      isKnown(integrity) ? integrity.figure : `unavailable: ${integrity.unavailable}`,
      'clean',
      true,
    ),
    gate(
      'backtest distance',
      isKnown<number>(backtestDistance) && backtestDistance <= options.maxBacktestDistance,
      describeFigure(backtestDistance, percent),
      `at most ${percent(options.maxBacktestDistance)} of capital`,
    ),
    gate(
      'trailing sharpe',
      above(trailingSharpe, options.demotionSharpe),
      describeFigure(trailingSharpe, ratio),
      `above ${options.demotionSharpe} over ${options.trailingDays} days`,
      true,
    ),
  ]
}
