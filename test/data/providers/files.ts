import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Candles, FundingSeries } from '#data/provider.ts'

/** A folder that is gone after the test. */
export function createTemporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'millrace-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** Writes `files` (path below `folder` -> content), making folders as needed. */
export function writeFiles(folder: string, files: Record<string, string>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, content)
  }
}

/** Candles as CSV text. */
export function candlesCsv({ openTime, open, high, low, close, volume }: Candles): string {
  const rows = Array.from(openTime, (time, i) => [time, open[i], high[i], low[i], close[i], volume[i]].join(','))
  return `ts_ms,open,high,low,close,volume\n${rows.join('\n')}\n`
}

/** Funding as CSV text. */
export function fundingCsv({ time, rate }: FundingSeries): string {
  return `ts_ms,funding_rate\n${Array.from(time, (moment, i) => `${moment},${rate[i]}`).join('\n')}\n`
}
