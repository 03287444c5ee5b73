import type { Bars } from '#data/bars.ts'
import { MillraceError } from '#data/errors.ts'
import { checkIntegrity, type IntegrityReport } from '#src/ledger/integrity.ts'
import type { RateLookup } from '#src/ledger/integrity-rules.ts'
import type { LedgerStore } from '#src/ledger/journal.ts'
import { rowKnownAt } from '#src/wheel/snapshot.ts'

/** Rates of funding as the bars have them. */
export function ratesOf(series: readonly Bars[]): RateLookup {
  const byCoin = new Map(series.map((bars) => [bars.coin, bars]))
  return (coin, time) => {
    const history = byCoin.get(coin)
    const row = history === undefined ? -1 : rowKnownAt(history, time)
    if (row < 0) return undefined
    const rate = history!.funding[row]
    return Number.isNaN(rate) ? null : rate
  }
}

/** @throws {MillraceError} `fail-closed` with the first bad event: nothing is traded on a ledger that is in doubt. */
export function mustBeWhole(store: LedgerStore, path: string, bars?: readonly Bars[]): void {
  refuseBroken(checkIntegrity(store, bars === undefined ? {} : { rates: ratesOf(bars) }), path)
}

/** @throws {MillraceError} `fail-closed` where the report names a bad event */
export function refuseBroken({ broken }: IntegrityReport, path: string): void {
  if (broken === undefined) return
  const { number, kind, message } = broken
  const where = number === null ? '' : `event ${number}${kind === null ? '' : ` (${kind})`}: `
  throw new MillraceError('fail-closed', `the ledger ${path} is not whole: ${where}${message}`, { path, ...broken })
}
