import type { AuditSummary } from '#jobs/pipeline/audit.ts'
import { layOut } from '../table.ts'

/** What was compared and whether the future changed it. */
export function describeAudit({ source, coins, cuts, checks, causal }: AuditSummary): string {
  const rows = checks.map(({ what, compared, different, first }) => [
    what,
    compared,
    different,
    first ? `first: ${first.coin} at ${first.asOf}` : '',
  ])
  const table = layOut([['what', 'compared', 'different', ''], ...rows])
  const verdict = causal ? 'causal: withholding the future changed nothing' : 'NOT causal: something saw the future'
  return `${table}\n\n${source}, ${coins.join(' ')}, ${cuts} moments\n${verdict}`
}
