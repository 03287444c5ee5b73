import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { writing } from '#models/durable-files.ts'
import { renderChart } from '../charts/render.ts'
import { historyChart, sliceChart } from './charts.ts'
import type { SearchPage } from './data.ts'
import { renderSearchPage } from './page.ts'

export type { SearchPage } from './data.ts'

/**
 * Writes `report.html` (one self-contained page) and `search.json` into `folder`.
 *
 * @returns path of the page
 * @throws {FatalError} where the disk is full or refuses
 */
export async function writeSearchReport(page: SearchPage, folder: string): Promise<string> {
  const charts = [await renderChart(historyChart(page)), await renderChart(sliceChart(page))]
  const html = join(folder, 'report.html')
  await writing(html, async () => {
    await mkdir(folder, { recursive: true })
    await writeFileAtomic(join(folder, 'search.json'), `${JSON.stringify(page)}\n`)
    await writeFileAtomic(html, renderSearchPage(page, charts))
  })
  return html
}
