import { beginWalk, checkRows, checkViews, type IntegrityOptions, type IntegrityReport, reportOf } from './integrity.ts'
import { createWatch, type RateLookup } from './integrity-rules.ts'
import type { SqliteLedger } from './sqlite-ledger.ts'

/** Checks a ledger that grows, event by event, and no event twice. */
export interface LedgerFollower {
  /** Checks the events since the last call; what was found broken stays so. */
  check(options?: Pick<IntegrityOptions, 'signal'> & { readonly rates?: RateLookup }): IntegrityReport
}

/**
 * The same rules as `checkIntegrity`, for every hour: time goes with the events that are new and not with the age of the
 * ledger. What only the whole file can tell (damaged pages, an old event that was changed since it was checked) is for
 * the check of the whole.
 */
export function followIntegrity(ledger: SqliteLedger): LedgerFollower {
  let rates: RateLookup | undefined
  const walk = beginWalk(createWatch(ledger.stories, (coin, time) => rates?.(coin, time)))
  let found: IntegrityReport | undefined
  return {
    check(options = {}) {
      if (found !== undefined) return found
      rates = options.rates
      ledger.read((database) => database.exec('BEGIN'))
      try {
        const broken = checkRows(ledger, walk, options) ?? checkViews(ledger, walk.state)
        const report = { ...reportOf(walk), ...(broken && { broken }) }
        if (broken !== undefined) found = report
        return report
      } finally {
        ledger.read((database) => database.exec('COMMIT'))
      }
    },
  }
}
