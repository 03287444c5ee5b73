import { join } from 'node:path'
import { writeFiles } from '#training/report/files.ts'
import { buildPlans } from '#training/report/tables.ts'
import type { BacktestReportData } from '../data.ts'
import { drawCharts } from './charts.ts'
import { renderBacktestPage } from './page.ts'
import { backtestPlans } from './tables.ts'

/** Paths of the files written. */
export interface BacktestReportFiles {
  readonly html: string
  readonly json: string
  readonly csv: readonly string[]
}

/**
 * Writes `report.html` (one self-contained page), `report.json` ({@link BacktestReportData} as it is, `null` where a
 * number is not known) and a CSV file for each table into `directory`, which is made if need be.
 *
 * @throws {FatalError} when a file cannot be written (disk full, no permission)
 */
export async function writeBacktestReport(data: BacktestReportData, directory: string): Promise<BacktestReportFiles> {
  const tables = await buildPlans(backtestPlans(data))
  const page = renderBacktestPage(data, tables, await drawCharts(data))
  const html = join(directory, 'report.html')
  const json = join(directory, 'report.json')
  const csv = Object.values(tables).map((table) => ({ path: join(directory, `${table.name}.csv`), text: table.csv }))
  await writeFiles(directory, [...csv, { path: json, text: `${JSON.stringify(data)}\n` }, { path: html, text: page }])
  return { html, json, csv: csv.map(({ path }) => path) }
}
