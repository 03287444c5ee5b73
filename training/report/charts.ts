import { confusionChart } from './charts/confusion.ts'
import { reliabilityChart } from './charts/reliability.ts'
import { type Chart, type ChartPlan, renderChart } from './charts/render.ts'
import { classScoreChart, coinScoreChart } from './charts/scores.ts'
import { churnChart, occupancyChart } from './charts/stability.ts'
import { timelineChart } from './charts/timeline.ts'
import { trainingChart } from './charts/training.ts'
import { equityChart, wheelCoinChart } from './charts/wheel.ts'
import type { ReportData } from './data.ts'

/** The pictures of the report; a list is empty where there is nothing to draw. */
export interface ReportCharts {
  readonly f1: readonly Chart[]
  readonly coins: readonly Chart[]
  /** One a model. */
  readonly confusion: readonly Chart[]
  readonly reliability: readonly Chart[]
  /** Churn, occupancy. */
  readonly stability: readonly Chart[]
  readonly training: readonly Chart[]
  /** One a coin. */
  readonly timelines: readonly Chart[]
  /** Equity, net result of each coin. */
  readonly wheel: readonly Chart[]
}

/** Draws every picture to SVG text. */
export async function drawCharts(data: ReportData): Promise<ReportCharts> {
  const { evaluation, training, timelines, wheel } = data
  const models = Object.entries(evaluation.models)
  const some = models.length > 0 && evaluation.samples > 0
  return {
    f1: await drawAll(some ? [classScoreChart(evaluation)] : []),
    coins: await drawAll(some ? [coinScoreChart(evaluation)] : []),
    confusion: await drawAll(models.map(([model, score]) => confusionChart(model, score))),
    reliability: await drawAll(some ? [reliabilityChart(evaluation)] : []),
    stability: await drawAll(some ? [churnChart(evaluation), occupancyChart(evaluation)] : []),
    training: await drawAll(training.cde.epochs.length > 0 ? [trainingChart(training.cde)] : []),
    timelines: await drawAll(timelines.filter(({ asOf }) => asOf.length > 1).map(timelineChart)),
    wheel: await drawAll([
      ...(wheel.equity.time.length > 1 ? [equityChart(wheel)] : []),
      ...(wheel.perCoin.length > 0 ? [wheelCoinChart(wheel)] : []),
    ]),
  }
}

async function drawAll(plans: readonly ChartPlan[]): Promise<Chart[]> {
  const charts: Chart[] = []
  for (const plan of plans) charts.push(await renderChart(plan))
  return charts
}
