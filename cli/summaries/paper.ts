import type { PaperSummary } from '#jobs/trading/paper.ts'
import { layOut, minute } from '../table.ts'

/** Where paper trading stands, for people. */
export function describePaper(summary: PaperSummary): string {
  const { source, ledger, hours, totalHours, asOf, model, equity, trades, positions, stopped } = summary
  const when = asOf === null ? 'before the first hour' : `as of ${minute(asOf)} UTC`
  const lines = [
    `${source}: ${hours} hours now, ${totalHours} in all, ${when}; ${model === 'none' ? 'no model' : model} tells regimes`,
    `equity ${equity.toFixed(2)} dollars after ${trades} trades; stopped: ${stopped}`,
  ]
  if (positions.length > 0) {
    const rows = positions.map(({ coin, size, mark }) => [coin, size, mark, (size * mark).toFixed(2)])
    lines.push('', layOut([['coin', 'size', 'mark', 'dollars'], ...rows]))
  }
  return [...lines, '', `ledger: ${ledger}`].join('\n')
}
