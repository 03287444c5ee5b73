import type { Bars } from '#data/bars.ts'
import type { Instrument } from '#data/provider.ts'
import type { Gate } from '#src/graduation/gates.ts'
import { reviewLedger } from '#src/graduation/review.ts'
import { checkIntegrity, type IntegrityReport } from '#src/ledger/integrity.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import type { GraduationOptions } from '#src/options/graduation.ts'
import { describeFailure } from '../failures.ts'
import { redactLastWords } from '../last-words.ts'
import { backtestOfPaper } from '../trading/backtest-of-paper.ts'
import { ratesOf } from '../trading/whole-ledger.ts'

/** Process of one look at a whole ledger: takes a request from its parent, answers once and ends. */

/** What the parent says; by structured clone. */
export type LookRequest = {
  /** The ledger; its writer may go on. */
  readonly path: string
  readonly bars: readonly Bars[]
} & (
  | { readonly task: 'check' }
  | { readonly task: 'review'; readonly instruments: readonly Instrument[]; readonly options: GraduationOptions }
)

/** What this process says: the report of a check, or the gates of a review. */
export type LookAnswer =
  | { readonly report: IntegrityReport }
  | { readonly gates: readonly Gate[] }
  | { readonly failure: string }

async function look(request: LookRequest): Promise<LookAnswer> {
  const { path, bars } = request
  if (request.task === 'check') return { report: checkIntegrity(path, { rates: ratesOf(bars) }) }
  const { instruments, options } = request
  const store = openSqliteLedger(path, { readOnly: true })
  try {
    const backtest = await backtestOfPaper({ store, bars, instruments })
    return { gates: reviewLedger(store, backtest, options).gates }
  } finally {
    store.close()
  }
}

redactLastWords()
// A Ctrl-C reaches the whole group of processes; the parent decides what becomes of the look.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(1))
process.on('message', (request: LookRequest) => {
  look(request)
    .catch((error): LookAnswer => ({ failure: describeFailure(error) }))
    .then((answer) => process.send?.(answer, () => process.exit(0)))
})
