import type { IntegrityAnswer } from '#jobs/trading/integrity.ts'
import { minute } from '../table.ts'

/** Whether a ledger holds together, for people. */
export function describeIntegrity({ ledger, events, hours, head, broken }: IntegrityAnswer): string {
  const sound = `${events} events and ${hours} hours`
  if (broken === undefined) return `intact: ${sound} hold together\nlast hash: ${head}\nledger: ${ledger}`
  const { check, number, kind, time, message } = broken
  const what = number === null ? 'the ledger' : `event ${number}${kind === null ? '' : `, ${kind}`}`
  const when = time === null || !Number.isFinite(time) ? '' : ` (${minute(new Date(time).toISOString())} UTC)`
  return `BROKEN at ${what}${when}: ${message} (${check})\nin order before it: ${sound}\nledger: ${ledger}`
}
