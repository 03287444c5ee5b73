import type { RetrainingRecord } from '#jobs/records.ts'
import { layOut, minute } from '../table.ts'

/** What `retrainings list` answers, newest first. */
export interface RetrainingsKnown {
  readonly records: string
  readonly retrainings: readonly RetrainingRecord[]
}

/** Retrainings shown to people. */
const MOST = 14

/** Retrainings, for people: a line each, then the newest in full. */
export function describeRetrainings({ records, retrainings }: RetrainingsKnown): string {
  if (retrainings.length === 0) return `no retraining yet\n\nrecords: ${records}`
  const rows = retrainings
    .slice(0, MOST)
    .map(({ flow, startedAt, endedAt, ok, promoted }) => [
      flow,
      minute(new Date(startedAt).toISOString()),
      endedAt === null ? '' : `${Math.round((endedAt - startedAt) / 1000)} s`,
      ok === null ? 'under way' : ok ? 'done' : 'failed',
      promoted.length === 0 ? 'none' : promoted.join(', '),
    ])
  const table = layOut([['retraining', 'begun (UTC)', 'took', 'state', 'new champions'], ...rows])
  const [{ flow, words }] = retrainings
  return `${table}\n\n${flow}: ${words}\n\nrecords: ${records}`
}

/** What was cancelled, for people. */
export function describeCancelled({ flow, cancelled }: { readonly flow: string; readonly cancelled: number }): string {
  if (cancelled === 0) return `${flow}: no training is open`
  return `${flow}: ${cancelled} ${cancelled === 1 ? 'training' : 'trainings'} cancelled`
}
