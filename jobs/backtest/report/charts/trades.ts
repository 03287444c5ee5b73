import type { ChartPlan } from '#training/report/charts/render.ts'
import {
  baseOption,
  categoryAxis,
  FULL,
  HALF,
  INK,
  label,
  nameAbove,
  SIGN_COLOURS,
  valueAxis,
} from '#training/report/charts/theme.ts'
import { timeAxis } from '#training/report/charts/time-axis.ts'
import { usd } from '#training/report/format.ts'
import type { BacktestReportData, MoneySplit } from '../../data.ts'
import { PART_COLOURS, roomyLegend, zeroLine } from './parts.ts'

const PARTS = [
  { name: 'Prices', colour: PART_COLOURS.price, of: ({ price }: MoneySplit) => price },
  { name: 'Funding', colour: PART_COLOURS.funding, of: ({ funding }: MoneySplit) => funding },
  { name: 'Fees', colour: PART_COLOURS.fees, of: ({ fees }: MoneySplit) => -fees },
  { name: 'Slippage', colour: PART_COLOURS.slippage, of: ({ slippage }: MoneySplit) => -slippage },
] as const

const byNet = (splits: Readonly<Record<string, MoneySplit>>) =>
  Object.entries(splits).sort(([, a], [, b]) => b.net - a.net)

/** What each coin brought, by what made it. */
export function coinChart({ split }: BacktestReportData): ChartPlan {
  const rows = byNet(split.byCoin)
  return {
    name: 'coins',
    title: 'What each coin brought',
    note: 'Bars are what made the result, the diamond is what is left of them. Best coin first.',
    size: { width: FULL.width, height: 400 },
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: 72, right: 16, top: 62, bottom: rows.length > 12 ? 66 : 34 },
      xAxis: categoryAxis(
        rows.map(([coin]) => coin),
        { axisLabel: { ...label(12, INK.text), interval: 0, rotate: rows.length > 12 ? 60 : 0 } },
      ),
      yAxis: valueAxis('USD', nameAbove(72)),
      series: [
        ...PARTS.map(({ name, colour, of }) => ({
          type: 'bar',
          name,
          stack: 'parts',
          barMaxWidth: 26,
          itemStyle: { color: colour },
          data: rows.map(([, each]) => of(each)),
        })),
        netMarks(rows.map(([, { net }]) => net)),
      ],
    } as ChartPlan['option'],
  }
}

/** What each scanner's share of the positions brought. */
export function sourceChart({ split }: BacktestReportData): ChartPlan {
  const rows = byNet(split.bySource)
  return {
    name: 'sources',
    title: 'What each scanner brought',
    note: 'A position counts for the scanners that opened it, by their shares.',
    size: { width: HALF.width, height: 120 + rows.length * 40 },
    option: {
      ...baseOption(),
      legend: { ...roomyLegend(), itemGap: 14 },
      grid: { left: 118, right: 22, top: 44, bottom: 46 },
      xAxis: valueAxis('USD', { nameLocation: 'middle', nameGap: 28, splitNumber: 4 }),
      yAxis: categoryAxis(
        rows.map(([source]) => source),
        { inverse: true, axisLine: { show: false } },
      ),
      series: [
        ...PARTS.map(({ name, colour, of }) => ({
          type: 'bar',
          name,
          stack: 'parts',
          barWidth: 18,
          itemStyle: { color: colour },
          data: rows.map(([, each]) => of(each)),
        })),
        netMarks(
          rows.map(([, { net }]) => net),
          true,
        ),
      ],
    } as ChartPlan['option'],
  }
}

const netMarks = (nets: readonly number[], horizontal = false) => ({
  type: 'scatter',
  name: 'Net',
  symbol: 'diamond',
  symbolSize: 12,
  z: 5,
  itemStyle: { color: INK.text, borderColor: INK.page, borderWidth: 1.2, opacity: 1 },
  data: nets.map((net, i) => (horizontal ? [net, i] : [i, net])),
})

/** Every closed trade: when it was closed, and what it brought. */
export function tradeChart({ trades, equity, figures }: BacktestReportData): ChartPlan {
  const series = (['long', 'short'] as const).map((side) => ({
    type: 'scatter',
    name: side === 'long' ? 'Long' : 'Short',
    symbol: 'triangle',
    symbolRotate: side === 'long' ? 0 : 180,
    symbolSize: 9,
    color: INK.muted,
    data: trades
      .filter((trade) => trade.side === side)
      .map(({ closed, net }) => ({
        value: [closed, net],
        itemStyle: {
          color: net < 0 ? SIGN_COLOURS.negative : SIGN_COLOURS.positive,
          borderColor: INK.page,
          borderWidth: 0.6,
          opacity: 0.85,
        },
      })),
  }))
  const worst = trades.reduce((least, { net }) => Math.min(least, net), 0)
  return {
    name: 'trades',
    title: `Net result of each of the ${figures.trades.count} trades, at the hour it was closed`,
    note: `Upward triangles are longs, downward ones shorts; green gained, orange lost. The worst lost ${usd(-worst)} USD.`,
    size: { width: FULL.width, height: 340 },
    option: {
      ...baseOption(),
      grid: { left: 72, right: 16, top: 30, bottom: 30 },
      xAxis: timeAxis(equity.time[0], equity.time[equity.time.length - 1], 12),
      yAxis: valueAxis('USD', nameAbove(72)),
      series: series.map((each, i) => (i === 0 ? { ...each, markLine: zeroLine('y') } : each)),
    } as unknown as ChartPlan['option'],
  }
}
