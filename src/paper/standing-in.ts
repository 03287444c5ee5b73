import type { Account } from '../account/account.ts'
import { equityOf, valueAtMark } from '../account/account.ts'
import type { Journal } from '../ledger/journal.ts'
import type { Listing } from '../venue/venue.ts'

export function availableMargin(account: Account, _listings: ReadonlyMap<string, Listing>): number {
  let free = equityOf(account)
  for (const holding of account.holdings.values()) {
    const value = valueAtMark(holding)
    free -= holding.mode === 'isolated' ? holding.rawUsd + value : Math.abs(value) / holding.leverage
  }
  return free
}

export function checkLiquidations(
  _journal: Journal,
  _marks: ReadonlyMap<string, number>,
  _time: number,
  _listings: ReadonlyMap<string, Listing>,
  _close: (coin: string, size: number, time: number) => void,
): void {}

export function fundIsolated(journal: Journal, coin: string, amount: number, time: number): void {
  journal.record({ kind: 'transfer', time, coin, amount })
}

export function releaseMargin(journal: Journal, coin: string, time: number): void {
  const { rawUsd } = journal.state.account.holdings.get(coin)!
  if (rawUsd !== 0) journal.record({ kind: 'transfer', time, coin, amount: -rawUsd })
}
