import { join } from 'node:path'
import { type Chart, type ChartPlan, renderChart } from '../charts/render.ts'
import { writeFiles } from '../files.ts'
import { buildPlans } from '../tables.ts'
import { forwardChart, lostKnotsChart, noveltyChart } from './charts/meaning.ts'
import { reliabilityPlan } from './charts/reliability.ts'
import { coinPlan, differenceChart, foldChart } from './charts/scores.ts'
import { churnPlan, occupancyPlan } from './charts/stability.ts'
import type { EvaluationReportData } from './data.ts'
import { type EvaluationCharts, renderEvaluationPage } from './page.ts'
import { evaluationPlans } from './tables.ts'

/** Paths of the files written. */
export interface EvaluationReportFiles {
  readonly html: string
  readonly json: string
}

/**
 * Writes `evaluation.html` (one self-contained page), `evaluation.json` ({@link EvaluationReportData} as it is, `null`
 * where a number could not be measured) and a CSV file for each table into `directory`.
 *
 * @throws {FatalError} when a file cannot be written (disk full, no permission)
 */
export async function writeEvaluationReport(
  data: EvaluationReportData,
  directory: string,
): Promise<EvaluationReportFiles> {
  const tables = await buildPlans(evaluationPlans(data))
  const page = renderEvaluationPage(data, tables, await drawCharts(data))
  const html = join(directory, 'evaluation.html')
  const json = join(directory, 'evaluation.json')
  const csv = Object.values(tables).map((table) => ({ path: join(directory, `${table.name}.csv`), text: table.csv }))
  await writeFiles(directory, [...csv, { path: json, text: `${JSON.stringify(data)}\n` }, { path: html, text: page }])
  return { html, json }
}

async function drawCharts({ walkForward, coins }: EvaluationReportData): Promise<EvaluationCharts> {
  const { novelty } = walkForward.robustness
  return {
    folds: await drawAll([foldChart(walkForward)]),
    differences: await drawAll([differenceChart(walkForward, 'all'), differenceChart(walkForward, 'last')]),
    coins: await drawAll([coinPlan(walkForward, coins, 'all'), coinPlan(walkForward, coins, 'last')]),
    reliability: await drawAll([reliabilityPlan(walkForward, 'raw'), reliabilityPlan(walkForward, 'temperature')]),
    stability: await drawAll([churnPlan(walkForward), occupancyPlan(walkForward)]),
    forward: await drawAll([forwardChart(walkForward, 'volatility'), forwardChart(walkForward, 'return')]),
    robustness: await drawAll([lostKnotsChart(walkForward), ...(novelty ? [noveltyChart(novelty.checks)] : [])]),
  }
}

async function drawAll(plans: readonly ChartPlan[]): Promise<Chart[]> {
  const charts: Chart[] = []
  for (const plan of plans) charts.push(await renderChart(plan))
  return charts
}
