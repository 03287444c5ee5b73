import { type Chart, type ChartPlan, renderChart } from '#training/report/charts/render.ts'
import type { BacktestReportData } from '../data.ts'
import { gateChart, gatesOfSignals, monthChart, weightChart } from './charts/decisions.ts'
import { layerChart, leadChart } from './charts/layers.ts'
import { drawdownChart, equityChart, exposureChart, splitChart } from './charts/money.ts'
import { coinChart, sourceChart, tradeChart } from './charts/trades.ts'

/** The pictures by the part of the page in which they stand; a list is empty where there is nothing to draw. */
export interface BacktestCharts {
  readonly equity: readonly Chart[]
  readonly split: readonly Chart[]
  readonly parts: readonly Chart[]
  readonly coins: readonly Chart[]
  readonly layers: readonly Chart[]
  readonly leads: readonly Chart[]
  readonly rejections: readonly Chart[]
  readonly weights: readonly Chart[]
  readonly trades: readonly Chart[]
}

/** Draws every picture of a backtest to SVG text. */
export async function drawCharts(data: BacktestReportData): Promise<BacktestCharts> {
  const hours = data.equity.time.length > 1
  const draw = async (when: boolean, ...plans: (() => ChartPlan)[]) => {
    const charts: Chart[] = []
    for (const plan of when ? plans : []) charts.push(await renderChart(plan()))
    return charts
  }
  const traded = Object.keys(data.split.bySource).length > 0
  return {
    equity: await draw(
      hours,
      () => equityChart(data),
      () => drawdownChart(data),
    ),
    split: await draw(hours, () => splitChart(data)),
    parts: [...(await draw(traded, () => sourceChart(data))), ...(await draw(hours, () => exposureChart(data)))],
    coins: await draw(traded, () => coinChart(data)),
    layers: await draw(
      data.layers.length > 0,
      () => layerChart(data, 'annualReturn'),
      () => layerChart(data, 'dollars'),
    ),
    leads: await draw(hours && data.layers.length > 0, () => leadChart(data)),
    rejections: await draw(
      gatesOfSignals(data).length > 0,
      () => gateChart(data),
      () => monthChart(data),
    ),
    weights: await draw(data.weights.time.length > 1, () => weightChart(data)),
    trades: await draw(data.trades.length > 0, () => tradeChart(data)),
  }
}
