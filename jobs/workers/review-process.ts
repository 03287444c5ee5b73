import type { Bars } from '#data/bars.ts'
import type { Instrument } from '#data/provider.ts'
import type { Gate } from '#src/graduation/gates.ts'
import { reviewLedger } from '#src/graduation/review.ts'
import { openSqliteLedger } from '#src/ledger/sqlite-ledger.ts'
import type { GraduationOptions } from '#src/options/graduation.ts'
import { describeFailure } from '../failures.ts'
import { redactLastWords } from '../last-words.ts'
import { backtestOfPaper } from '../trading/backtest-of-paper.ts'

/** Process of one review of a paper ledger: takes a request from its parent, answers once and ends. */

/** What the parent says; by structured clone. */
export interface ReviewRequest {
  /** The ledger; its writer may go on. */
  readonly path: string
  readonly bars: readonly Bars[]
  readonly instruments: readonly Instrument[]
  readonly options: GraduationOptions
}

/** What this process says. */
export type ReviewAnswer = { readonly gates: readonly Gate[] } | { readonly failure: string }

async function review({ path, bars, instruments, options }: ReviewRequest): Promise<ReviewAnswer> {
  const store = openSqliteLedger(path, { readOnly: true })
  try {
    const backtest = await backtestOfPaper({ store, bars, instruments })
    return { gates: reviewLedger(store, backtest, options).gates }
  } finally {
    store.close()
  }
}

redactLastWords()
// A Ctrl-C reaches the whole group of processes; the parent decides what becomes of the review.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(1))
process.on('message', (request: ReviewRequest) => {
  review(request)
    .catch((error): ReviewAnswer => ({ failure: describeFailure(error) }))
    .then((answer) => process.send?.(answer, () => process.exit(0)))
})
