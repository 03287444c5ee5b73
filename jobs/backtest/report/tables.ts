import { HOUR } from '#data/bars.ts'
import { isKnown } from '#src/performance/figure.ts'
import * as format from '#training/report/format.ts'
import { type Column, column, type TablePlan } from '#training/report/tables.ts'
import type { BacktestReportData, MoneySplit } from '../data.ts'
import { layerVerdict } from '../layers.ts'
import { figurePlan } from './figures.ts'
import { changeOf, layerName } from './headline.ts'
import { decimals, percent } from './words.ts'

const share: format.Format = (value) => (typeof value === 'string' ? value : percent(value))
const decimal: format.Format = (value) =>
  typeof value === 'number' && Number.isFinite(value) ? decimals(value) : format.decimal(value)

const MONEY: readonly Column[] = [
  column('price', 'Prices, USD', format.usd),
  column('funding', 'Funding, USD', format.usd),
  column('fees', 'Fees, USD', format.usd),
  column('slippage', 'Slippage, USD', format.usd),
  column('net', 'Net, USD', format.usd),
]
const money = ({ price, funding, fees, slippage, net }: MoneySplit) => [price, funding, fees, slippage, net]

/** Every table of the page; each also goes out as CSV, and `hours` and `weights` as nothing else. */
export function backtestPlans(data: BacktestReportData): Record<string, TablePlan> {
  return {
    figures: figurePlan(data),
    baselines: baselinePlan(data),
    ...splitPlans(data),
    layers: layerPlan(data),
    variants: {
      header: [column('layer', 'Layer', format.text), column('words', 'Without it', format.text)],
      rows: data.layers.map(({ name, words }) => [layerName(name), words]),
    },
    ...decisionPlans(data),
    trades: tradePlan(data),
    hours: hourPlan(data),
    weights: weightPlan(data),
  }
}

const INTERVALS: readonly Column[] = [
  column('dollars', 'USD', format.usd),
  column('dollarsLow', 'from', format.usd),
  column('dollarsHigh', 'to', format.usd),
  column('annual', 'Return a year', share),
  column('annualLow', 'from', share),
  column('annualHigh', 'to', share),
]

function baselinePlan({ baselines }: BacktestReportData): TablePlan {
  return {
    header: [
      column('name', 'What anyone could have done', format.text),
      column('change', 'It earned, USD', format.usd),
      ...INTERVALS.map((each, i) => (i === 0 ? { ...each, title: 'The wheel was ahead by, USD' } : each)),
      column('p', 'p'),
    ],
    rows: baselines.map((baseline) => {
      if ('unavailable' in baseline) {
        return [baseline.name, ...Array<number>(8).fill(Number.NaN)]
      }
      const { dollars, annualReturn, p } = baseline.worth
      return [
        baseline.name,
        changeOf(baseline),
        ...[dollars, annualReturn].flatMap(({ estimate, low, high }) => [estimate, low, high]),
        p,
      ]
    }),
  }
}

function splitPlans({ split }: BacktestReportData): Record<string, TablePlan> {
  return {
    sources: {
      header: [column('source', 'Scanner', format.text), ...MONEY],
      rows: [
        ...Object.entries(split.bySource).map(([source, each]) => [source, ...money(each)]),
        ['all', ...money(split.total)],
      ],
    },
    coins: {
      header: [column('coin', 'Coin', format.text), column('trades', 'Trades', format.count), ...MONEY],
      rows: Object.entries(split.byCoin).map(([coin, each]) => [coin, each.trades, ...money(each)]),
      sortBy: 'net',
    },
  }
}

function layerPlan({ layers }: BacktestReportData): TablePlan {
  return {
    header: [
      column('layer', 'Layer', format.text),
      column('verdict', 'Verdict', format.text),
      ...INTERVALS.map((each, i) => (i === 0 ? { ...each, title: 'It was worth, USD' } : each)),
      column('p', 'p'),
      column('corrected', 'p, corrected'),
      column('equityChange', 'Without it: net, USD', format.usd),
      column('sharpe', 'Sharpe', decimal),
      column('trades', 'Trades', format.count),
    ],
    rows: layers.map((layer) => {
      const { dollars, annualReturn, p } = layer.worth
      return [
        layerName(layer.name),
        layerVerdict(layer.worth, layer.corrected),
        ...[dollars, annualReturn].flatMap(({ estimate, low, high }) => [estimate, low, high]),
        p,
        layer.corrected,
        layer.equityChange,
        isKnown(layer.sharpe) ? layer.sharpe.ratio : Number.NaN,
        layer.trades,
      ]
    }),
  }
}

function decisionPlans({ rejections, protections }: BacktestReportData): Record<string, TablePlan> {
  const months = Object.keys(rejections.byMonth).sort()
  return {
    rejections: {
      header: [
        column('gate', 'Gate', format.text),
        column('words', 'What it said', format.text),
        column('count', 'Coin-hours', format.count),
        ...months.map((month) => column(month, month, format.count)),
      ],
      rows: rejections.counts.map(({ gate, words, count }) => [
        gate,
        words,
        count,
        ...months.map((month) => rejections.byMonth[month][gate] ?? 0),
      ]),
    },
    protections: {
      header: [
        column('time', 'Set at, UTC', format.text),
        column('protection', 'Protection', format.text),
        column('scope', 'For', format.text),
        column('until', 'Until, UTC', format.text),
        column('reason', 'Why', format.text),
      ],
      rows: protections.map(({ time, protection, scope, until, reason }) => [
        format.utcIso(time),
        protection,
        scope === '*' ? 'all coins' : scope,
        until === null ? 'lifted by hand' : until === time ? 'lifted' : format.utcIso(until),
        reason,
      ]),
    },
  }
}

function tradePlan({ trades }: BacktestReportData): TablePlan {
  return {
    header: [
      column('coin', 'Coin', format.text),
      column('side', 'Side', format.text),
      column('opened', 'Opened, UTC', format.text),
      column('closed', 'Closed, UTC', format.text),
      column('hours', 'Hours', format.decimal),
      column('size', 'Size, USD', format.usd),
      ...MONEY,
      column('reason', 'Closed for', format.text),
      column('sources', 'Opened by', format.text),
    ],
    rows: trades.map((trade) => [
      trade.coin,
      trade.side,
      format.utcIso(trade.opened),
      format.utcIso(trade.closed),
      (trade.closed - trade.opened) / HOUR,
      trade.size,
      ...money(trade),
      trade.reason,
      Object.entries(trade.sources)
        .sort(([, a], [, b]) => b - a)
        .map(([source, part]) => `${source} ${Math.round(100 * part)} %`)
        .join(', '),
    ]),
  }
}

const plain = (name: string): Column => column(name, name, format.text)

function hourPlan({ equity, drawdown, exposure, split: { cumulative }, baselines }: BacktestReportData): TablePlan {
  const others = baselines.flatMap((baseline) => ('unavailable' in baseline ? [] : [baseline]))
  return {
    header: [
      ...['time', 'equity', 'drawdown', 'gross', 'net exposure', 'price', 'funding', 'fees', 'slippage'].map(plain),
      ...others.map(({ name }) => plain(name)),
    ],
    rows: equity.time.map((time, i) => [
      format.utcIso(time),
      equity.value[i],
      drawdown[i],
      exposure.gross[i],
      exposure.net[i],
      cumulative.price[i],
      cumulative.funding[i],
      cumulative.fees[i],
      cumulative.slippage[i],
      ...others.map((baseline) => baseline.equity.value[i]),
    ]),
  }
}

function weightPlan({ weights }: BacktestReportData): TablePlan {
  const names = Object.keys(weights.shares)
  return {
    header: [plain('time'), ...names.map(plain)],
    rows: weights.time.map((time, i) => [format.utcIso(time), ...names.map((name) => weights.shares[name][i])]),
  }
}
