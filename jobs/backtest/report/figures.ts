import { HOUR } from '#data/bars.ts'
import { type Figure, isKnown } from '#src/performance/figure.ts'
import * as format from '#training/report/format.ts'
import { column, type TablePlan } from '#training/report/tables.ts'
import type { BacktestReportData } from '../data.ts'
import { decimals, figureText, percent, whyMissing } from './words.ts'

/** The figures of performance, each with what must be known to read it. */
export function figurePlan({ figures }: BacktestReportData): TablePlan {
  const { sharpe, sortino, drawdown, trades, exposure, turnover, totalReturn, hours, missingHours } = figures
  const row = (name: string, figure: Figure, how: (value: number) => string, remark = '') => [
    name,
    figureText(figure, how),
    whyMissing(figure) || remark,
  ]
  const known = isKnown(sharpe) ? sharpe : undefined
  const deep = isKnown(drawdown) ? drawdown : undefined
  const score = (value: number) => format.score(value)
  const ratio = (value: number) => decimals(value)
  const times = (value: number) => `${decimals(value, 2)} x equity`
  const hoursOf = (value: number) => (value >= 48 ? `${(value / 24).toFixed(1)} days` : `${value.toFixed(0)} hours`)
  return {
    header: [
      column('figure', 'Figure', format.text),
      column('value', 'Value', format.text),
      column('remark', 'Remark', format.text),
    ],
    rows: [
      row('Return over the range', totalReturn, percent),
      [
        'Sharpe ratio a year',
        known === undefined ? '–' : `${ratio(known.ratio)} ± ${format.decimal(known.standardError)}`,
        known === undefined
          ? whyMissing(sharpe)
          : `standard error for skewness ${decimals(known.skewness)} and kurtosis ${decimals(known.kurtosis)}; for normal returns ${decimals(known.standardErrorNormal)}`,
      ],
      row(
        'Chance that the true Sharpe ratio is above 0',
        known === undefined ? { unavailable: whyMissing(sharpe) } : known.probabilistic,
        score,
        'hourly returns taken for independent',
      ),
      row(
        'The same above what the number of trials gives by luck',
        known === undefined ? { unavailable: whyMissing(sharpe) } : known.deflated,
        score,
        'deflated Sharpe ratio; below 0.95 the result is what so many trials find in noise',
      ),
      row('Sortino ratio a year', sortino, ratio),
      [
        'Deepest drawdown',
        deep === undefined ? '–' : percent(-deep.depth),
        deep === undefined
          ? whyMissing(drawdown)
          : deep.deepestAt === undefined
            ? 'never below its peak'
            : `reached ${format.utcMinute(deep.deepestAt)}`,
      ],
      [
        'Longest drawdown',
        deep === undefined ? '–' : hoursOf(deep.longestHours),
        deep?.underWater === undefined
          ? whyMissing(drawdown)
          : `at the end ${percent(-deep.underWater.depth)} for ${hoursOf(deep.underWater.hours)}`,
      ],
      row('Winning trades', trades.winRate, (value) => format.share(value), `of ${format.count(trades.count)} trades`),
      row('Profit factor', trades.profitFactor, (value) => value.toFixed(2), 'net gains over net losses'),
      row('Mean winner', trades.meanWin, (value) => `${format.usd(value)} USD`),
      row('Mean loser', trades.meanLoss, (value) => `${format.usd(value)} USD`),
      row('Mean time held', trades.meanHours, hoursOf),
      row('Turnover a year', turnover, times, 'traded notional over mean equity'),
      row('Mean gross exposure', exposure.meanGross, times),
      row('Mean net exposure', exposure.meanNet, times, 'positive: long on the whole'),
      row('Highest gross exposure', exposure.highestGross, times),
      row('Hours with a position', exposure.inMarket, (value) => format.share(value)),
      ['Hours told', format.count(hours), missingHours > 0 ? `${format.count(missingHours)} are missing between` : ''],
    ],
  }
}

/** Days of a range, for a card. */
export const daysOf = ({ from, to }: { readonly from: number; readonly to: number }): number =>
  Math.round((to - from) / (24 * HOUR))
