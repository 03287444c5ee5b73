import type { GraduationState, HourEvent } from '../ledger/events.ts'
import { checkIntegrity, type IntegrityReport } from '../ledger/integrity.ts'
import type { LedgerStore } from '../ledger/journal.ts'
import type { GraduationOptions } from '../options/graduation.ts'
import { type Evidence, readEvidence } from './evidence.ts'
import { type Gate, type GateInput, graduationGates } from './gates.ts'

/** A ledger held against the gates. */
export interface Review {
  readonly evidence: Evidence
  readonly gates: readonly Gate[]
  readonly integrity: IntegrityReport
}

/** What to do next, in a sentence, for each state. */
export const NEXT: Readonly<Record<GraduationState, string>> = {
  paper: 'goes on trading on paper until all gates pass',
  eligible: 'a person may approve it',
  approved: 'a person may begin to trade with money; no command does that yet',
  live: 'trades with money until a gate or a person takes it back',
  demoted: 'a person may reset it to paper, where it begins anew',
}

/**
 * Checks a ledger from its first event and holds it against the gates.
 *
 * @param backtest told hours of a backtest over the same days
 * @throws {MillraceError} `fail-closed` where the ledger cannot even be read
 */
export function reviewLedger(
  store: LedgerStore,
  backtest: readonly HourEvent[] | undefined,
  options: GraduationOptions,
  signal?: AbortSignal,
): Review {
  const integrity = checkIntegrity(store, { signal })
  const findings = { integrity: describeReport(integrity), backtest }
  const evidence = readEvidence([...store.events()], findings, options)
  return { evidence, gates: graduationGates(evidence.input, options), integrity }
}

function describeReport({ events, hours, broken }: IntegrityReport): GateInput['integrity'] {
  if (broken === undefined) return { clean: true, figure: `${events} events and ${hours} hours hold together` }
  const where = broken.number === null ? 'the ledger' : `event ${broken.number}`
  return { clean: false, figure: `${where}: ${broken.message} (${broken.check})` }
}
