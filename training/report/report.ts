import { join } from 'node:path'
import { drawCharts } from './charts.ts'
import type { ReportData } from './data.ts'
import { writeFiles } from './files.ts'
import { renderPage } from './page.ts'
import { buildTables } from './tables.ts'

/** Paths of the files written. */
export interface ReportFiles {
  readonly html: string
  readonly json: string
  readonly csv: readonly string[]
}

/**
 * Writes `report.html` (one self-contained page), `report.json` ({@link ReportData} as it is, `null` where a number
 * could not be measured) and a CSV file for each table into `directory`, which is made if need be.
 *
 * Each file is written whole or not at all (temporary file, fsync, rename).
 *
 * @throws {FatalError} when a file cannot be written (disk full, no permission)
 */
export async function writeReport(data: ReportData, directory: string): Promise<ReportFiles> {
  const tables = await buildTables(data)
  const page = renderPage(data, tables, await drawCharts(data))
  const html = join(directory, 'report.html')
  const json = join(directory, 'report.json')
  const csv = Object.values(tables).map((table) => ({ path: join(directory, `${table.name}.csv`), text: table.csv }))
  await writeFiles(directory, [...csv, { path: json, text: `${JSON.stringify(data)}\n` }, { path: html, text: page }])
  return { html, json, csv: csv.map(({ path }) => path) }
}
