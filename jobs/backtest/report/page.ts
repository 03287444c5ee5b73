import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Eta } from 'eta'
import { isKnown } from '#src/performance/figure.ts'
import * as format from '#training/report/format.ts'
import { htmlTable } from '#training/report/html-table.ts'
import type { ReportTables } from '#training/report/tables.ts'
import type { BacktestReportData } from '../data.ts'
import type { BacktestCharts } from './charts.ts'
import { daysOf } from './figures.ts'
import { changeOf, headline, known } from './headline.ts'
import { capital, decimals, figureText, percent, signedUsd } from './words.ts'

/** Templates are shared with the other reports: views are looked for from the root of the repository. */
const ROOT = join(import.meta.dirname, '../../..')

/** One self-contained HTML page on a backtest, in the look of the other reports. */
export function renderBacktestPage(data: BacktestReportData, tables: ReportTables, charts: BacktestCharts): string {
  const eta = new Eta({ views: ROOT, autoEscape: true, cache: true })
  const { sentences, convincing } = headline(data)
  return eta.render('./jobs/backtest/report/page', {
    style:
      readFileSync(join(ROOT, 'training/report/page.css'), 'utf8') +
      readFileSync(join(import.meta.dirname, 'page.css'), 'utf8'),
    title: `millrace: backtest, ${format.utcDay(data.range.from)} to ${format.utcDay(data.range.to)}`,
    period: { from: format.utcDay(data.range.from), to: format.utcDay(data.range.to) },
    sentences,
    convincing,
    cards: cards(data),
    facts: facts(data),
    degradations: data.model.degradations,
    incidents: incidents(data),
    baselines: data.baselines.map((baseline) =>
      'unavailable' in baseline
        ? `${capital(baseline.name)} is unavailable: ${baseline.unavailable}.`
        : `${capital(baseline.name)}: ${baseline.words}.`,
    ),
    charts,
    table: (name: string, caption: string) => tables[name] && htmlTable(tables[name], caption),
    rows: (name: string) => tables[name]?.rows.length ?? 0,
    trades: format.count(data.trades.length),
    limits: limits(data),
    files: ['report.json', ...Object.keys(tables).map((name) => `${name}.csv`)],
  })
}

function cards({ split, capitalDollars, baselines, figures }: BacktestReportData) {
  const { net, price, funding, fees, slippage } = split.total
  const held = baselines.find(({ name }) => name !== 'doing nothing')
  const holding = held && known(baselines, held.name)
  const { sharpe, drawdown, trades } = figures
  return [
    { name: 'The wheel earned, USD', value: signedUsd(net), detail: `${percent(net / capitalDollars)} of the capital` },
    {
      name: 'of which prices, USD',
      value: signedUsd(price - slippage),
      detail: `funding ${signedUsd(funding)}, fees ${signedUsd(-fees)}`,
    },
    {
      name: held ? `${capital(held.name)}, USD` : 'Baseline',
      value: holding ? signedUsd(changeOf(holding)) : '–',
      detail: holding ? `${percent(changeOf(holding) / capitalDollars)} of the capital` : 'not computed',
    },
    {
      name: 'Sharpe ratio a year',
      value: figureText(sharpe, ({ ratio }) => decimals(ratio)),
      detail: isKnown(sharpe) ? `± ${format.decimal(sharpe.standardError)} standard error` : sharpe.unavailable,
    },
    {
      name: 'Deepest drawdown',
      value: figureText(drawdown, ({ depth }) => format.share(depth)),
      detail: `${format.count(trades.count)} trades, ${figureText(trades.winRate, (value) => format.share(value))} won`,
    },
  ]
}

function facts(data: BacktestReportData) {
  return [
    { name: 'Source', value: `${data.source} (${data.origin})` },
    { name: 'Coins', value: `${data.coins.length}: ${data.coins.join(', ')}` },
    {
      name: 'Range',
      value: `${format.utcMinute(data.range.from)} to ${format.utcMinute(data.range.to)}, ${daysOf(data.range)} days`,
    },
    { name: 'Capital', value: `${format.usd(data.capitalDollars)} USD` },
    { name: 'Regimes by', value: data.model.words },
    { name: 'Decisions', value: `${format.count(data.decisions)} coin-hours` },
    { name: 'Settings', value: `sha256 ${data.settings.slice(0, 16)}, seed ${data.seed}` },
    { name: 'Generated', value: format.utcMinute(data.generatedAt) },
  ]
}

/** What did not go as ordered, in sentences. */
function incidents({ incidents: told }: BacktestReportData): string[] {
  const { lapsed, liquidations, unknownFundingHours, staleMarkHours, stillOpen } = told
  return [
    ...(liquidations > 0 ? [`${format.count(liquidations)} liquidations.`] : []),
    ...(lapsed > 0 ? [`${format.count(lapsed)} opening orders were not filled at all.`] : []),
    ...(unknownFundingHours > 0
      ? [
          `${format.count(unknownFundingHours)} hours in which an open position met an unknown funding rate and was charged nothing.`,
        ]
      : []),
    ...(staleMarkHours > 0
      ? [`${format.count(staleMarkHours)} hours in which an open position kept its old mark because there was no bar.`]
      : []),
    ...(stillOpen.length > 0 ? [`Could not be closed by the end: ${stillOpen.join(', ')}.`] : []),
  ]
}

/** What the numbers cannot carry. */
function limits({ source, range, layers }: BacktestReportData): string[] {
  return [
    `${daysOf(range)} days are one stretch of one market. The intervals speak of other times of the same kind, not of a market that changes its nature.`,
    'No real order was sent. Spread, impact and latency are modelled from hourly bars, and whoever fills the book against the wheel is not.',
    'Whoever set thresholds and features may have seen these months. Every choice made by looking at this page makes the next page look better than the truth.',
    ...(layers.length > 0
      ? [
          'A layer is measured beside all others: two that do the same work each look worthless, since the other one stands in.',
        ]
      : []),
    'The Sharpe ratio takes hours for independent; positions last for days, so its error is rather larger than is written.',
    ...(source === 'simulated'
      ? ['The market was simulated. Its result shows that the machinery works, not that a real market can be traded.']
      : []),
  ]
}
