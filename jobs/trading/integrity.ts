import { checkIntegrity, type IntegrityReport } from '#src/ledger/integrity.ts'
import type { RunContext } from '../pipeline/settings.ts'
import type { LedgerRequest } from './ledger.ts'
import { findLedger } from './ledgers.ts'

/** What `integrity` answers. */
export interface IntegrityAnswer extends IntegrityReport {
  readonly ledger: string
  readonly intact: boolean
}

/** Checks a ledger from its first event: see {@link checkIntegrity}. A writer may be at work meanwhile. */
export async function integrityOf(request: LedgerRequest, context: RunContext): Promise<IntegrityAnswer> {
  const ledger = await findLedger(request.state, request.ledger)
  const report = checkIntegrity(ledger, { progress: context.progress, signal: context.signal })
  return { ledger, intact: report.broken === undefined, ...report }
}
