import type { ChartPlan } from '#training/report/charts/render.ts'
import {
  ACCENT,
  baseOption,
  categoryAxis,
  FULL,
  HALF,
  INK,
  label,
  nameAbove,
  valueAxis,
} from '#training/report/charts/theme.ts'
import { timeAxis } from '#training/report/charts/time-axis.ts'
import { count } from '#training/report/format.ts'
import type { BacktestReportData } from '../../data.ts'
import { NO_SIGNAL } from '../../gates.ts'
import { line, percentTick, points, roomyLegend, sourceColour } from './parts.ts'

/** Gates that spoke against a signal, most often first. Where every scanner is unavailable there is no signal either. */
export function gatesOfSignals({ rejections, weights }: BacktestReportData) {
  const silent = new Set([NO_SIGNAL, ...Object.keys(weights.shares).map((source) => `${source} (unavailable)`)])
  return rejections.counts.filter(({ gate }) => !silent.has(gate))
}

/** How often each gate spoke against a signal. */
export function gateChart(data: BacktestReportData): ChartPlan {
  const rows = gatesOfSignals(data)
  const silent = data.rejections.counts.find(({ gate }) => gate === NO_SIGNAL)?.count ?? 0
  return {
    name: 'gates',
    title: 'Why signals were turned down',
    note: `Coin-hours; a signal can be turned down by several gates at once. In ${count(silent)} of ${count(data.decisions)} coin-hours there was no signal at all.`,
    size: { width: HALF.width, height: 70 + rows.length * 28 },
    option: {
      ...baseOption(),
      grid: { left: 190, right: 64, top: 4, bottom: 46 },
      xAxis: valueAxis('coin-hours', { nameLocation: 'middle', nameGap: 28, splitNumber: 3 }),
      yAxis: categoryAxis(
        rows.map(({ gate }) => gate),
        { inverse: true, axisLine: { show: false }, axisLabel: { ...label(12, INK.text), interval: 0 } },
      ),
      series: [
        {
          type: 'bar',
          barWidth: 16,
          itemStyle: { color: ACCENT, borderRadius: [0, 2, 2, 0] },
          data: rows.map((row) => row.count),
          label: {
            show: true,
            position: 'right',
            ...label(12, INK.text),
            formatter: ({ value }: { value: unknown }) => count(Number(value)),
          },
        },
      ],
    } as ChartPlan['option'],
  }
}

const PALETTE = ['#0072b2', '#e69f00', '#009e73', '#d55e00', '#cc79a7', '#56b4e9'] as const
const OTHERS = '#8a9099'

/** The same month by month. */
export function monthChart(data: BacktestReportData): ChartPlan {
  const months = Object.keys(data.rejections.byMonth).sort()
  const rows = gatesOfSignals(data)
  const named = rows.slice(0, PALETTE.length)
  const countOf = (month: string, gate: string) => data.rejections.byMonth[month][gate] ?? 0
  const rest = rows.slice(PALETTE.length)
  const bar = (name: string, colour: string, values: readonly number[]) => ({
    type: 'bar',
    name,
    stack: 'gates',
    barMaxWidth: 44,
    itemStyle: { color: colour },
    data: [...values],
  })
  return {
    name: 'months',
    title: 'The same, month by month',
    note: 'The first and the last month may be cut off by the range.',
    size: { width: HALF.width, height: 380 },
    option: {
      ...baseOption(),
      legend: { ...roomyLegend(), itemGap: 18, width: 430 },
      grid: { left: 62, right: 8, top: 84, bottom: 30 },
      xAxis: categoryAxis(months, { axisLabel: { ...label(12, INK.text), interval: 0 } }),
      yAxis: valueAxis('', { splitNumber: 4 }),
      series: [
        ...named.map(({ gate }, i) =>
          bar(
            gate,
            PALETTE[i],
            months.map((month) => countOf(month, gate)),
          ),
        ),
        ...(rest.length > 0
          ? [
              bar(
                'others',
                OTHERS,
                months.map((month) => rest.reduce((sum, { gate }) => sum + countOf(month, gate), 0)),
              ),
            ]
          : []),
      ],
    } as ChartPlan['option'],
  }
}

/** How the weights of the scanners moved. */
export function weightChart({ weights }: BacktestReportData): ChartPlan {
  const names = Object.keys(weights.shares)
  return {
    name: 'weights',
    title: 'Weight of each scanner in the decision',
    note: 'Shares of all weights, learned from what following each scanner would have brought.',
    size: { width: FULL.width, height: 320 },
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: 52, right: 16, top: 44, bottom: 30 },
      xAxis: timeAxis(weights.time[0], weights.time[weights.time.length - 1], 12),
      yAxis: valueAxis('', { min: 0, ...nameAbove(52), axisLabel: { ...label(12), formatter: percentTick } }),
      series: names.map((name) => line(name, sourceColour(name), points(weights.time, weights.shares[name], 500))),
    } as ChartPlan['option'],
  }
}
