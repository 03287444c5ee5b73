import type { FetchSummary } from '#jobs/pipeline/fetch.ts'
import { layOut, minute } from '../table.ts'

/** What there is of each coin, what is missing, and what had to be said about it. */
export function describeFetch({ origin, reason, coins, notices, hash }: FetchSummary): string {
  const rows = coins.map(({ coin, bars, from, to, gaps, fundingMissing }) => {
    const hours = gaps.reduce((sum, gap) => sum + gap.hours, 0)
    return [coin, bars, minute(from), minute(to), hours, fundingMissing]
  })
  const table = layOut([['coin', 'bars', 'from', 'to', 'gap hours', 'no funding'], ...rows])
  return `${table}\n\n${origin} (${reason})\n${notices.length} remarks, data ${hash.slice(0, 16)}`
}
