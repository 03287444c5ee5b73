import type { EChartsOption } from 'echarts'
import type { ChartPlan } from '#training/report/charts/render.ts'
import {
  ACCENT,
  baseOption,
  categoryAxis,
  FULL,
  HALF,
  INK,
  label,
  SIGN_COLOURS,
  valueAxis,
} from '#training/report/charts/theme.ts'
import { timeAxis } from '#training/report/charts/time-axis.ts'
import { whiskers } from '#training/report/evaluation/charts/parts.ts'
import type { BacktestReportData, LayerResult } from '../../data.ts'
import { type Interval, layerVerdict } from '../../layers.ts'
import { layerName } from '../headline.ts'
import { percentTick, points, zeroLine } from './parts.ts'

const VERDICT_COLOURS = { pays: SIGN_COLOURS.positive, costs: SIGN_COLOURS.negative, 'cannot be told': '#8a9099' }

const colourOf = ({ worth, corrected }: LayerResult) => VERDICT_COLOURS[layerVerdict(worth, corrected)]

/** What each layer is worth with its interval: a forest plot. */
export function layerChart({ layers }: BacktestReportData, measure: 'annualReturn' | 'dollars'): ChartPlan {
  const yearly = measure === 'annualReturn'
  const rows = layers.map((layer) => ({ layer, interval: layer.worth[measure] as Interval }))
  return {
    name: `layers-${yearly ? 'return' : 'dollars'}`,
    title: yearly ? 'What each layer is worth a year' : 'What each layer was worth over the range',
    note: yearly
      ? 'Mean hourly return of the wheel less that without the layer, annualised; 95 % intervals. Green pays and orange costs after correction for the number of layers; of grey it cannot be told.'
      : 'The same in dollars gained.',
    size: { width: HALF.width, height: 80 + rows.length * 32 },
    option: {
      ...baseOption(),
      grid: { left: 122, right: 22, top: 8, bottom: 46 },
      xAxis: valueAxis(yearly ? 'return a year' : 'USD', {
        nameLocation: 'middle',
        nameGap: 28,
        splitNumber: 4,
        axisLabel: { ...label(12), ...(yearly ? { formatter: percentTick } : {}) },
      }),
      yAxis: categoryAxis(
        rows.map(({ layer }) => layerName(layer.name)),
        { inverse: true, axisLine: { show: false } },
      ),
      series: [
        {
          type: 'scatter',
          symbol: 'rect',
          symbolSize: 10,
          data: rows.map(({ layer, interval }, i) => ({
            value: [interval.estimate, i],
            itemStyle: { color: colourOf(layer), opacity: 1 },
          })),
          z: 3,
          markLine: zeroLine('x'),
        },
        whiskers(
          rows
            .map(({ layer, interval: { low, high } }, at) => ({ at, low, high, colour: colourOf(layer) }))
            .filter(({ low }) => !Number.isNaN(low)),
          false,
        ),
      ],
    } as unknown as ChartPlan['option'],
  }
}

const COLUMNS = 4
const CELL = { width: FULL.width / COLUMNS, height: 170 } as const
const MARGIN = { left: 54, right: 14, top: 34, bottom: 26 } as const

/** A small picture a layer: what it has brought since the beginning. */
export function leadChart({ layers, equity }: BacktestReportData): ChartPlan {
  const grids = layers.map((_, i) => ({
    left: (i % COLUMNS) * CELL.width + MARGIN.left,
    top: Math.floor(i / COLUMNS) * CELL.height + MARGIN.top,
    width: CELL.width - MARGIN.left - MARGIN.right,
    height: CELL.height - MARGIN.top - MARGIN.bottom,
  }))
  const leads = layers.map((layer) => equity.value.map((value, i) => value - layer.equity.value[i]))
  return {
    name: 'leads',
    title: 'When each layer brought it',
    note: 'Equity of the wheel less that of the wheel without the layer, in dollars. A step is one lucky week; a slope is a habit. The scales differ.',
    size: { width: FULL.width, height: Math.ceil(layers.length / COLUMNS) * CELL.height },
    option: {
      ...baseOption(),
      grid: grids,
      title: layers.map((layer, i) => ({
        text: layerName(layer.name),
        left: grids[i].left,
        top: grids[i].top - 28,
        padding: 0,
        textStyle: { ...label(13, INK.text), fontWeight: 600 },
      })),
      xAxis: layers.map((_, i) => ({
        ...timeAxis(equity.time[0], equity.time[equity.time.length - 1], 3),
        gridIndex: i,
      })),
      yAxis: layers.map((_, i) => ({ ...valueAxis('', { splitNumber: 2 }), gridIndex: i })),
      series: leads.map((lead, i) => ({
        type: 'line',
        symbol: 'none',
        xAxisIndex: i,
        yAxisIndex: i,
        color: ACCENT,
        lineStyle: { width: 1.3 },
        areaStyle: { opacity: 0.12 },
        data: points(equity.time, lead, 160),
        markLine: zeroLine('y'),
      })),
    } as EChartsOption,
  }
}
