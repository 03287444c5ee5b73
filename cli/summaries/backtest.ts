import type { BacktestLine, BacktestSummary } from '#jobs/trading/backtest.ts'
import { isKnown } from '#src/performance/figure.ts'
import { decimal, layOut, minute } from '../table.ts'

const dollars = (value: number | null) => (value === null || Number.isNaN(value) ? '-' : value.toFixed(2))

function rowOf({ name, equityChange, worth, unavailable }: BacktestLine): string[] {
  const interval = worth === null ? (unavailable ?? '-') : `[${dollars(worth.low)}, ${dollars(worth.high)}]`
  return [name, dollars(equityChange), dollars(worth?.estimate ?? null), interval]
}

/** What a backtest found, for people. */
export function describeBacktest(summary: BacktestSummary): string {
  const { source, coins, range, regimes, decisions, trades, equityChange, split, figures, rejections } = summary
  const { sharpe, drawdown } = figures
  const facts = layOut([
    ['period', `${minute(range.from)} to ${minute(range.to)}, ${coins.length} coins of ${source}`],
    ['regimes', regimes],
    ['decisions', `${decisions}, ${trades} trades`],
    ['equity', `${dollars(equityChange)} dollars`],
    [
      'of it',
      `price ${dollars(split.price)}, funding ${dollars(split.funding)}, fees ${dollars(-split.fees)}, slippage ${dollars(-split.slippage)}`,
    ],
    [
      'Sharpe ratio',
      'unavailable' in sharpe
        ? sharpe.unavailable
        : `${decimal(sharpe.ratio, 2)} ± ${decimal(sharpe.standardError, 2)} a year`,
    ],
    ['drawdown', 'unavailable' in drawdown ? drawdown.unavailable : `${(100 * drawdown.depth).toFixed(2)} %`],
    [
      'win rate',
      isKnown(figures.trades.winRate)
        ? `${(100 * figures.trades.winRate).toFixed(0)} %`
        : figures.trades.winRate.unavailable,
    ],
  ])
  const against = [...summary.baselines, ...summary.layers].map(rowOf)
  const refused = Object.entries(rejections).sort(([, a], [, b]) => b - a)
  return [
    facts,
    layOut([['beside it', 'dollars', 'the run is ahead by', '95 % interval'], ...against]),
    layOut([['turned down because', 'times'], ...refused]),
    `report: ${summary.report.html}\nledger: ${summary.ledger}`,
  ].join('\n\n')
}
