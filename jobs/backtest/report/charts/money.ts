import type { ChartPlan } from '#training/report/charts/render.ts'
import { ACCENT, baseOption, FULL, HALF, INK, label, nameAbove, valueAxis } from '#training/report/charts/theme.ts'
import { timeAxis } from '#training/report/charts/time-axis.ts'
import type { BacktestReportData } from '../../data.ts'
import { capital } from '../words.ts'
import { line, PART_COLOURS, percentTick, points, roomyLegend, zeroLine } from './parts.ts'

const LEFT = 72

const overTime = ({ equity }: BacktestReportData, limit = 12) =>
  timeAxis(equity.time[0], equity.time[equity.time.length - 1], limit)

/** Equity of the run, of itself without each layer, and of the baselines. */
export function equityChart(data: BacktestReportData): ChartPlan {
  const { equity, baselines, layers } = data
  const held = baselines.filter((baseline) => !('unavailable' in baseline) && baseline.name !== 'doing nothing')
  const variants = layers.map((layer) =>
    line('The wheel without one layer', '#c9ced6', points(layer.equity.time, layer.equity.value, 300), {
      width: 1,
      z: 1,
    }),
  )
  return {
    name: 'equity',
    title: 'Equity of the wheel, and what anyone could have had',
    note: 'In dollars, after every fill, fee and funding payment of the hour. The thin lines are the wheel with one layer taken away; the dashed line is doing nothing.',
    size: FULL,
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: LEFT, right: 16, top: 62, bottom: 30 },
      xAxis: overTime(data),
      yAxis: valueAxis('USD', { scale: true, ...nameAbove(LEFT) }),
      series: [
        {
          ...line('The wheel', ACCENT, points(equity.time, equity.value), { width: 2.2, z: 4 }),
          markLine: startLine(equity.opening),
        },
        ...held.map((baseline) =>
          'unavailable' in baseline
            ? {}
            : line(capital(baseline.name), '#e69f00', points(baseline.equity.time, baseline.equity.value), { z: 3 }),
        ),
        ...variants,
      ],
    } as ChartPlan['option'],
  }
}

const startLine = (opening: number) => ({
  silent: true,
  symbol: 'none',
  label: { show: false },
  lineStyle: { color: INK.muted, type: 'dashed' as const, width: 1 },
  data: [{ yAxis: opening }],
})

/** How far below its highest equity the run was. */
export function drawdownChart(data: BacktestReportData): ChartPlan {
  const below = data.drawdown.map((depth) => -depth)
  return {
    name: 'drawdown',
    title: 'Drawdown',
    note: 'Share below the highest equity so far.',
    size: { width: FULL.width, height: 220 },
    option: {
      ...baseOption(),
      grid: { left: LEFT, right: 16, top: 14, bottom: 30 },
      xAxis: overTime(data),
      yAxis: valueAxis('', { max: 0, splitNumber: 3, axisLabel: { ...label(12), formatter: percentTick } }),
      series: [{ ...line('Drawdown', '#d55e00', points(data.equity.time, below)), areaStyle: { opacity: 0.18 } }],
    } as ChartPlan['option'],
  }
}

/** Profit and loss since the beginning by what made it. */
export function splitChart(data: BacktestReportData): ChartPlan {
  const { time } = data.equity
  const { cumulative } = data.split
  const paid = (values: readonly number[]) => values.map((value) => -value)
  return {
    name: 'split',
    title: 'What made the result: prices, funding, fees and slippage since the beginning',
    note: 'The four thin lines add up to the thick one. Prices are counted as if every fill had been at the price its order was decided at; what was lost between is slippage.',
    size: { width: FULL.width, height: 400 },
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: LEFT, right: 16, top: 62, bottom: 30 },
      xAxis: overTime(data),
      yAxis: valueAxis('USD', nameAbove(LEFT)),
      series: [
        { ...line('Net', ACCENT, points(time, cumulative.net), { width: 2.6, z: 4 }), markLine: zeroLine('y') },
        line('Prices', PART_COLOURS.price, points(time, cumulative.price)),
        line('Funding', PART_COLOURS.funding, points(time, cumulative.funding)),
        line('Fees', PART_COLOURS.fees, points(time, paid(cumulative.fees))),
        line('Slippage', PART_COLOURS.slippage, points(time, paid(cumulative.slippage))),
      ],
    } as ChartPlan['option'],
  }
}

/** Gross and net exposure. */
export function exposureChart(data: BacktestReportData): ChartPlan {
  const { time } = data.equity
  return {
    name: 'exposure',
    title: 'Exposure, in multiples of equity',
    note: 'Gross counts longs and shorts alike, net sets them off against each other.',
    size: HALF,
    option: {
      ...baseOption(),
      legend: roomyLegend(),
      grid: { left: 46, right: 12, top: 44, bottom: 30 },
      xAxis: overTime(data, 6),
      yAxis: valueAxis('', {}),
      series: [
        {
          ...line('Gross', '#8a9099', points(time, data.exposure.gross, 400), { width: 1 }),
          areaStyle: { opacity: 0.2 },
        },
        { ...line('Net', ACCENT, points(time, data.exposure.net, 400), { width: 1.2, z: 3 }), markLine: zeroLine('y') },
      ],
    } as ChartPlan['option'],
  }
}
